"""What is to be made of what; written by the plugin, read in the sandbox."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

# Where the plugin puts this package in the sandbox; everything else there is the application's.
FOLDER = "pyinstaller_freezing"
JOB_FILE = f"{FOLDER}/job.json"
DIST_FOLDER = f"{FOLDER}/dist"


@dataclass(frozen=True)
class Job:
    """One binary; all paths are relative to the sandbox.

    `mode`: onedir or onefile. `function`: None to run the module itself. `resources`: files to be
    found at the same place below their source root. `distributions`: names of what the application
    requires, directly or not.
    """

    name: str
    mode: str
    module: str
    function: str | None
    excluded_imports: list[str]
    hidden_imports: list[str]
    strip: bool
    source_roots: list[str]
    resources: list[str]
    distributions: list[str]

    def to_json(self) -> str:
        """Return the job as text; equal jobs give equal texts."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Return the job that `to_json` wrote."""
        return cls(**json.loads(text))
