"""deploytool, as the steps of the pipeline run it: its JSON result, and its exit code."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# The packaged tool of a release and the programs it needs, beside the release file.
TOOL = "deploytool.pex"
RUNTIME = "runtime.pex"


@dataclass(frozen=True)
class Ended:
    """A command of deploytool that ended. result: its JSON object, or what it says of an error."""

    code: int
    result: Mapping[str, Any]


@dataclass(frozen=True)
class Tool:
    """deploytool on a target.

    command: the words before the arguments. artifacts: component -> package, handed over to it.
    """

    target: str
    command: Sequence[str]
    artifacts: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_release(cls, target: str, release: Path) -> "Tool":
        """Return the tool that came with a release; by Pants where none did."""
        packaged = release.with_name(TOOL)
        if not packaged.is_file():
            return cls(target, ("./pants", "run", "deploytool", "--"))
        runtime = release.with_name(RUNTIME)
        artifacts = {"runtime": str(runtime.resolve())} if runtime.is_file() else {}
        return cls(target, ("python3.11", str(packaged)), artifacts)

    def run(self, *arguments: str) -> Ended:
        """Run a command; what it tells on the way goes to standard error, as it comes."""
        command = [*self.command, *arguments, "--target", self.target, "--output", "json"]
        sys.stderr.write(f"$ deploytool {' '.join(arguments)} --target {self.target}\n")
        sys.stderr.flush()
        environment = dict(os.environ)
        if self.artifacts:
            environment["DEPLOYTOOL_ARTIFACTS"] = json.dumps(self.artifacts)
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, text=True, check=False
        )
        return Ended(done.returncode, _last_object(done.stdout))


@contextmanager
def kubeconfig() -> Iterator[None]:
    """Have KUBECONFIG name a file with the text of KUBECONFIG_TEXT meanwhile, if there is any.

    A workflow knows a secret as a text; the file is this user's alone, and gone afterwards.
    """
    text = os.environ.pop("KUBECONFIG_TEXT", "")
    if not text:
        yield
        return
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "kubeconfig"
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")
        os.environ["KUBECONFIG"] = str(file)
        try:
            yield
        finally:
            del os.environ["KUBECONFIG"]


def _last_object(output: str) -> Mapping[str, Any]:
    """Return the JSON object of the last line; {} where there is none."""
    lines = output.splitlines()
    try:
        found = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
