"""Runs the workflows of the repository on this machine, with act."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

SANDBOX = Path.cwd()
_ACT = SANDBOX / "3rdparty.python" / "act.pex"
_STAND_INS = Path(__file__).parent / "stand_ins"
_USES = re.compile(r"uses: (?P<name>actions/(?P<action>[\w-]+))@(?P<ref>\S+)")
# In the home of whoever runs the tests: what Pants has built, the plugins of Docker.
_OF_HOME = (".cache/pants", ".cache/pants-from-pypi", ".docker/cli-plugins")
# No name of a machine of GitHub: on those, jobs that need Debian are in a container.
_RUNNER = "debian"
_TIMEOUT_S = 1200


@dataclass(frozen=True)
class Ran:
    """Workflows that ended. log: lines of JSON."""

    code: int
    log: str

    @property
    def summaries(self) -> dict[str, str]:
        """What stood in the summary of each job, by the job's name."""
        found: dict[str, str] = {}
        for line in map(json.loads, self.log.splitlines()):
            if line.get("command") == "summary":
                # Before it stand the workflow, and the job that has called it.
                name = line["job"].rpartition("/")[2]
                found[name] = found.get(name, "") + line["content"]
        return found

    @property
    def said(self) -> str:
        """Return all that was printed."""
        lines = map(json.loads, self.log.splitlines())
        return "\n".join(f"[{line.get('job', '')}] {line['msg'].rstrip()}" for line in lines)


@dataclass
class Acting:
    """act in a clone of the repository.

    home: its own. variables, secrets: those of the repository's settings.
    """

    clone: Path
    home: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)

    @property
    def artifacts(self) -> Path:
        """Where artifacts are kept, each in a folder of its name."""
        return self.home / "artifacts"

    def run(
        self, event: str, workflow: str, payload: Mapping[str, Any] | None = None, **inputs: str
    ) -> Ran:
        """Have an event start a workflow; wait for all of its jobs. payload: what it tells."""
        self._make_home()
        told = self.home / "event.json"
        told.write_text(json.dumps({"inputs": inputs, **(payload or {})}))
        arguments = [
            *(_program(), event, "--workflows", f".github/workflows/{workflow}"),
            *(f"--platform={name}=-self-hosted" for name in (_RUNNER, "ubuntu-24.04")),
            *("--no-cache-server", "--json"),
            *(f"--env=ARTIFACTS={self.artifacts}",),
            *(f"--var={name}={value}" for name, value in self._variables.items()),
            f"--secret-file={self._secrets_file()}",
            f"--eventpath={told}",
            *self._stand_ins(),
        ]
        done = subprocess.run(
            arguments,
            cwd=self.clone,
            env={
                **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
                "HOME": str(self.home),
                # act itself is unpacked once for all homes.
                "PEX_ROOT": str(Path.home() / ".pex"),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
        self._end_daemons()
        return Ran(done.returncode, done.stdout)

    def _end_daemons(self) -> None:
        """End the Pants that jobs have left in their copies of the tree."""
        for file in self.home.glob(".cache/act/*/hostexecutor/.pids/*/pantsd/pid"):
            with suppress(ProcessLookupError):
                os.kill(int(file.read_text()), signal.SIGTERM)

    @property
    def _variables(self) -> Mapping[str, str]:
        names = ("BUILD_RUNNER", "CHECK_RUNNER", "DEPLOY_RUNNER")
        return {**dict.fromkeys(names, _RUNNER), **self.variables}

    def _secrets_file(self) -> Path:
        file = self.home / "secrets.yaml"
        file.touch(mode=0o600)
        file.write_text(yaml.safe_dump(dict(self.secrets)))
        return file

    def _make_home(self) -> None:
        self.artifacts.mkdir(parents=True, exist_ok=True)
        for name in _OF_HOME:
            there, here = Path(os.environ.get("HOME", "/root"), name), self.home / name
            if there.exists() and not here.exists():
                here.parent.mkdir(parents=True, exist_ok=True)
                here.symlink_to(there)

    def _stand_ins(self) -> Sequence[str]:
        """Return what has stand-ins for actions run: all that are used but the check-out.

        act itself copies the tree for that.
        """
        texts = [path.read_text() for path in (self.clone / ".github/workflows").glob("*.yml")]
        used = {found.groups() for text in texts for found in _USES.finditer(text)}
        return [
            f"--local-repository={name}@{ref}={_STAND_INS / action}"
            for name, action, ref in sorted(used)
            if action != "checkout" and (_STAND_INS / action).is_dir()
        ]


@cache
def _program() -> str:
    """Return act itself, unpacked.

    Started by its package it would have another PATH each time, a folder of the package first: and
    what Pants has built by one PATH it builds again by another.
    """
    return subprocess.check_output(
        ["python3.11", str(_ACT), "-c", "import sys; print(sys.prefix, 'bin', 'act', sep='/')"],
        env={**os.environ, "PEX_INTERPRETER": "1"},
        text=True,
        timeout=120,
    ).strip()


def commit(clone: Path, message: str) -> str:
    """Commit all that lies in a folder, which becomes a repository with that; return its hash."""
    git = ("git", "-C", str(clone), "-c", "user.name=test", "-c", "user.email=test@example.com")
    if not (clone / ".git").exists():
        subprocess.run([*git, "init", "--quiet", "--initial-branch=main"], check=True)
        # act asks it for the name of the repository.
        origin = "https://github.com/example/shop"
        subprocess.run([*git, "remote", "add", "origin", origin], check=True)
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", message], check=True)
    return subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip()


def read_workflows(folder: Path) -> dict[str, dict[str, Any]]:
    """Return each workflow by the name of its file; `on` is a key of text."""
    found = {}
    for path in sorted(folder.glob("*.yml")):
        content = yaml.safe_load(path.read_text())
        # `on` alone is a truth value of YAML 1.1.
        content["on"] = content.pop(True)
        found[path.name] = content
    return found
