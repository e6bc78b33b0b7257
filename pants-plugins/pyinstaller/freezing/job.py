"""What is to be made of what; written by the plugin, read in the sandbox."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

# Where the plugin puts this package in the sandbox; everything else there is the application's.
FOLDER = "pyinstaller_freezing"
JOB_FILE = f"{FOLDER}/job.json"
# Made by the first step. SOURCES holds the compiled sources and the resources, as below one root.
PREPARED = "pyinstaller_prepared"
OUTLINES = f"{PREPARED}/outlines"
SOURCES = "pyinstaller_sources"
# Made by the second step.
DIST_FOLDER = "pyinstaller_dist"


@dataclass(frozen=True)
class Job:
    """One binary; all paths are relative to the sandbox.

    `mode`: onedir or onefile. `function`: None to run the module itself. `files`: sources and
    resources, to be found at the same place below their source root; the second step has none of
    them. `distributions`: names of what the application requires, directly or not.
    """

    name: str
    mode: str
    module: str
    function: str | None
    excluded_imports: list[str]
    hidden_imports: list[str]
    strip: bool
    source_roots: list[str]
    files: list[str]
    distributions: list[str]

    @property
    def script(self) -> str:
        """Return where the script to start with is: the program shows this name when it fails.

        PyInstaller takes the script for a module too: the name alone would hide a package of it.
        """
        return f"{PREPARED}/start_{self.name}.py"

    def to_json(self) -> str:
        """Return the job as text; equal jobs give equal texts."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Return the job that `to_json` wrote."""
        return cls(**json.loads(text))
