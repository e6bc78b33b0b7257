"""The operations log on disk: the file that is written to, and the full parts before it.

    operations-000001.log   operations-000002.log   ...   operations.log

A log that has become large is kept under the next number and goes on in a new file. The head of the
new file names the part before it and that part's last hash, so the chain of hashes leads through
all parts, and a part that is missing shows.
"""

import fcntl
import itertools
import mmap
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploytool.errors import Place, RecordFailed
from deploytool.record.chain import Content, followed
from deploytool.record.file_store import write_durably

# A larger log goes on in a new file. Reading back the latest commands takes a moment at this size.
FULL_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the log, with its content at the moment at which it was opened."""

    path: Path
    content: Content
    status: os.stat_result

    def lines(self) -> Iterator[tuple[Place, bytes]]:
        """Yield the lines in order, without their line breaks; empty ones are left out."""
        start, size = 0, len(self.content)
        for number in itertools.count(1):
            if start >= size:
                return
            end = self.content.find(b"\n", start)
            end = size if end < 0 else end
            if end > start:
                yield Place(self.path, number), self.content[start:end]
            start = end + 1

    def lines_from_the_end(self) -> Iterator[tuple[int, bytes]]:
        """Yield the lines, the last first, each with the position at which it begins."""
        end = len(self.content)
        while end > 0:
            start = self.content.rfind(b"\n", 0, end) + 1
            if end > start:
                yield start, self.content[start:end]
            end = start - 1

    def place(self, position: int) -> Place:
        """Return the place of the line that begins at a position."""
        return Place(self.path, self.content[:position].count(b"\n") + 1)


@contextmanager
def opened(log: Path) -> Iterator[tuple[Part, ...]]:
    """Open the log with its earlier parts, the oldest first; none where there is no log.

    Raises RecordFailed.
    """
    parts: list[Part] = []
    try:
        # The current file first: if it becomes a part meanwhile, it is met twice, not never.
        current = _mapped(log)
        for path in earlier_parts(log):
            part = _mapped(path)
            if part and not (current and os.path.samestat(part.status, current.status)):
                parts.append(part)
        parts += [current] if current else []
    except OSError as error:
        raise RecordFailed(
            f"the operations log {log} cannot be read", why=error.strerror or str(error)
        ) from error
    try:
        yield tuple(parts)
    finally:
        for part in parts:
            if isinstance(part.content, mmap.mmap):
                part.content.close()


def earlier_parts(log: Path) -> list[Path]:
    """Return the full parts of a log, the oldest first."""
    name = re.compile(rf"{re.escape(log.stem)}-(\d{{6,}}){re.escape(log.suffix)}")
    if not log.parent.is_dir():
        return []
    found = ((name.fullmatch(path.name), path) for path in log.parent.iterdir())
    return [path for _, path in sorted((int(match[1]), path) for match, path in found if match)]


def close_part(log: Path, content: bytes) -> bool:
    """Keep the log as its next part, and go on in a new file that begins with the content.

    The caller holds the log's lock. At every moment there is a log under its name, so a writer that
    comes meanwhile finds either. Returns False, and changes nothing, where the file system cannot
    do this: the log then simply goes on.
    """
    if log.is_symlink():
        return False
    try:
        part = next_part(log)
        # A writer that was killed right after this line has left the part already.
        if not _is_same_file(part, log):
            os.link(log, part)
        write_durably(log, content.decode())
    except OSError:
        return False
    return True


def next_part(log: Path) -> Path:
    """Return the name under which a log is kept once it is full."""
    earlier = earlier_parts(log)
    if earlier and _is_same_file(earlier[-1], log):
        return earlier[-1]
    # The parts before may be kept elsewhere: the head remembers the last one.
    with log.open("rb") as file:
        names = [followed(file.readline())[0], *(path.name for path in earlier)]
    numbers = [int(Path(name).stem.rpartition("-")[2]) for name in names if name]
    return log.with_name(f"{log.stem}-{max(numbers, default=0) + 1:06}{log.suffix}")


def is_current(file: int, log: Path) -> bool:
    """Tell whether an open file is still the one that the log is written to."""
    try:
        return os.path.samestat(os.fstat(file), log.stat())
    except FileNotFoundError:
        return False


def _mapped(path: Path) -> Part | None:
    """Open a part; None when there is none."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        # A line that is being written is waited for, not seen in part.
        fcntl.flock(file, fcntl.LOCK_SH)
        status = os.fstat(file)
        size = status.st_size
        content = mmap.mmap(file, size, access=mmap.ACCESS_READ) if size else b""
        return Part(path, content, status)
    finally:
        # The map has a descriptor of its own, which would keep the lock while it is read.
        fcntl.flock(file, fcntl.LOCK_UN)
        os.close(file)


def _is_same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except FileNotFoundError:
        return False
