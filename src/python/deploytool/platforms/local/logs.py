"""What components wrote: the last lines of their files, and what comes after, across rotation.

A file has no times of its own lines, but all that runs here writes them into each: as ISO 8601.
"""

import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from deploytool.platforms.base import LogLine, Role

_POLL_S = 0.2
_STEP_BYTES = 64 * 1024
_TIME = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?) ?(Z|UTC|[+-]\d\d:?\d\d)")


@dataclass(frozen=True, slots=True)
class LogFile:
    """The file of one instance."""

    component: str
    role: Role
    path: Path


def read_logs(
    files: Sequence[LogFile],
    *,
    lines: int | None,
    since: float | None = None,
    follow: bool,
    is_stopped: Callable[[], bool],
) -> Iterator[LogLine]:
    """Yield the last lines of each file, then, when following, new ones until stopped.

    since: unix seconds; what was written before is left out.
    """
    followers = [_Follower(file) for file in files]
    for follower in followers:
        last = follower.last(sys.maxsize if lines is None else lines)
        for text in last if since is None else written_since(since, last):
            yield LogLine(follower.file.component, follower.file.role, text)
    while follow and not is_stopped():
        is_quiet = True
        for follower in followers:
            for text in follower.new():
                is_quiet = False
                yield LogLine(follower.file.component, follower.file.role, text)
        if is_quiet:
            time.sleep(_POLL_S)


def written_since(moment: float, lines: Sequence[str]) -> Sequence[str]:
    """Return the lines from the first one on that tells a later time. moment: unix seconds.

    A line without a time goes with the one before it, such as a traceback.
    """
    for index, line in enumerate(lines):
        written = _written(line)
        if written is not None and written >= moment:
            return lines[index:]
    return []


def _written(line: str) -> float | None:
    found = _TIME.search(line)
    if found is None:
        return None
    zone = "+00:00" if found[2] in {"Z", "UTC"} else found[2]
    try:
        return datetime.fromisoformat(found[1] + zone).timestamp()
    except ValueError:
        return None


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last complete lines of a file; none when there is no file."""
    follower = _Follower(LogFile("", Role.STABLE, path))
    found = follower.last(count)
    follower.close()
    return found


@dataclass
class _Follower:
    """Reads one file on, and goes over to its successor when it was rotated away."""

    file: LogFile
    _open: BinaryIO | None = None
    _rest: bytes = field(default=b"")

    def last(self, count: int) -> list[str]:
        if not self._reopen() or count <= 0:
            self._skip_to_end()
            return []
        assert self._open is not None
        end = position = self._open.seek(0, os.SEEK_END)
        found = b""
        while position > 0 and found.count(b"\n") <= count:
            step = min(_STEP_BYTES, position)
            position -= step
            self._open.seek(position)
            found = self._open.read(min(step, end - position)) + found
        self._open.seek(end)
        return self._split(found)[-count:]

    def new(self) -> list[str]:
        found = self._read()
        if self._is_rotated():
            found += self._read()  # what was written between the last look and the rotation
            self.close()
            if self._reopen():
                found += self._read()
        return self._split(found)

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _read(self) -> bytes:
        return self._open.read() if self._open is not None else b""

    def _is_rotated(self) -> bool:
        if self._open is None:
            return True
        try:
            return not os.path.samestat(os.fstat(self._open.fileno()), self.file.path.stat())
        except FileNotFoundError:
            return False  # between two files: look again

    def _reopen(self) -> bool:
        try:
            self._open = self.file.path.open("rb")
        except FileNotFoundError:
            self._open = None
        return self._open is not None

    def _skip_to_end(self) -> None:
        if self._open is not None:
            self._open.seek(0, os.SEEK_END)

    def _split(self, found: bytes) -> list[str]:
        """Return complete lines; an unfinished one is kept until its end comes."""
        *complete, self._rest = (self._rest + found).split(b"\n")
        if len(self._rest) > _STEP_BYTES:
            complete, self._rest = [*complete, self._rest], b""
        return [line.decode(errors="replace").rstrip("\r") for line in complete]
