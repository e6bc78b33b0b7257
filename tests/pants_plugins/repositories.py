"""Repositories for tests, each with some of the plugins and a Pants of its own."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil

_PLUGINS = Path("pants-plugins")
_LOCKS = Path("3rdparty/python")


class Repository:
    """A repository of these files, with plugins, locks and what starts Pants.

    Its Pants has the caches of this machine and, until the repository is left, a daemon: to load
    Pants and the plugins takes longer than most of what they are asked for.
    """

    def __init__(
        self,
        root: Path,
        files: Mapping[str, str],
        plugins: Iterable[str],
        locks: Iterable[str] = (),
    ) -> None:
        self.root = root
        for name, text in files.items():
            self.write(name, text)
        for plugin in plugins:
            # The BUILD files are of the repository, which a plugin comes to as it is.
            shutil.copytree(
                _PLUGINS / plugin,
                root / _PLUGINS / plugin,
                ignore=shutil.ignore_patterns("BUILD", "__pycache__"),
            )
        (root / _LOCKS).mkdir(parents=True)
        for lock in ("pants", *locks):
            shutil.copy(_LOCKS / f"{lock}.lock", root / _LOCKS)
        shutil.copy("pants", root)

    def __enter__(self) -> "Repository":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for file in self.root.glob(".pids/*/pantsd/pid"):
            with suppress(psutil.NoSuchProcess):  # it has ended since
                daemon = psutil.Process(int(file.read_text()))
                daemon.terminate()
                # As long as it writes its log, the folder cannot be deleted.
                psutil.wait_procs([daemon], timeout=20)

    def write(self, name: str, text: str) -> None:
        """Write a file; its folders are made."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def pants(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run Pants to its end, whatever that is."""
        return subprocess.run(
            [self.root / "pants", "--no-dynamic-ui", *arguments],
            cwd=self.root,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )
