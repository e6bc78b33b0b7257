"""The command line of Kubernetes: it renders folders of kustomize, and runs programs in pods.

No library of Python does the one; for the other it needs no port and no handling of streams.
"""

import os
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess

from deploytool.errors import InvalidInput, PlatformFailed
from deploytool.platforms.tool_copy import python
from deploytool.programs import outer_environment, run

_RENDER_S = 60.0
_PROGRAM = "kubectl"


class Kubectl:
    """kubectl on one context and namespace.

    package: a PEX file that holds it; None for what an earlier command unpacked, or without that
    for the one of this machine. pex_root: where the file unpacks itself. All of it may be called
    from several threads.
    """

    def __init__(
        self, package: Path | None, pex_root: Path, context: str | None, namespace: str
    ) -> None:
        self._package = package
        self._pex_root = pex_root
        self._unpacking = threading.Lock()
        self._place = [f"--namespace={namespace}", *([f"--context={context}"] if context else [])]

    def render(self, folder: Path) -> str:
        """Return what kustomize makes of a folder. Raises InvalidInput with its own words."""
        done = self._run(("kustomize", str(folder)), _RENDER_S, "")
        if done.returncode != 0:
            raise InvalidInput(
                f"the manifests in {folder} cannot be rendered",
                why=" ".join(done.stderr.split()),
                hint="correct the file named; `kubectl kustomize` shows the same",
            )
        return done.stdout

    def execute(
        self, pod: str, container: str, argv: Sequence[str], *, text: str, timeout_s: float
    ) -> "CompletedProcess[str]":
        """Run a program in a pod's container with a text as its input, whatever comes of it."""
        arguments = (*self._place, "exec", "--stdin", pod, f"--container={container}", "--", *argv)
        return self._run(arguments, timeout_s, text)

    def _run(
        self, arguments: Sequence[str], timeout_s: float, text: str
    ) -> "CompletedProcess[str]":
        command = [*self._command(), *arguments]
        return run(command, env=outer_environment(), timeout_s=timeout_s, text=text)

    def _command(self) -> list[str]:
        if self._package is None:
            kept = _place(self._pex_root) / "bin" / _PROGRAM
            found = str(kept) if kept.exists() else shutil.which(_PROGRAM)
            if found is None:
                raise InvalidInput(
                    "kubectl is missing",
                    why="there is none in PATH, and no package with it was handed over",
                    hint="start deploytool by `./pants run deploytool -- ...`, or install kubectl",
                )
            return [found]
        with self._unpacking:
            return [str(unpacked(self._package, self._pex_root))]


def unpacked(package: Path, folder: Path) -> Path:
    """Return the program out of a PEX file, unpacked below the folder once for each content."""
    place = _place(folder)
    program, mark = place / "bin" / _PROGRAM, place / "package"
    # To read it whole would cost more than all else that a plan does.
    known = f"{package.stat().st_size} {package.stat().st_mtime_ns} {package.resolve()}"
    if program.exists() and mark.exists() and mark.read_text() == known:
        return program
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    done = run(
        [python(), str(package.resolve()), "venv", str(place)],
        env={
            "PATH": os.defpath,
            "PEX_TOOLS": "1",
            "PEX_ROOT": str(place.with_name("pex")),
            "HOME": str(place.parent),
        },
        timeout_s=_RENDER_S,
    )
    if done.returncode != 0:
        raise PlatformFailed(
            f"unpacking {package} failed",
            why="; ".join(done.stderr.strip().splitlines()[-3:]),
            hint="free some space or build it again, then repeat the command",
        )
    mark.write_text(known)
    return program


def _place(folder: Path) -> Path:
    return folder / "kubectl"
