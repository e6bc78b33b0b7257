"""Where the record goes while the operations log cannot be written, and how it comes back."""

import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deploytool.errors import RecordFailed
from deploytool.record.history import read_run
from deploytool.record.journal import append, encoded
from deploytool.record.parts import earlier_parts, opened

_NAME = "operations.log"


def places(state: Path) -> Iterator[Path]:
    """Yield the files to try: in a target's state folder, and in a temporary one of this user.

    The latter is made only when it is asked for.
    """
    yield state / _NAME
    temporary = _temporary(state)
    with suppress(OSError):
        temporary.parent.mkdir(mode=0o700, exist_ok=True)
    if _is_ours(temporary.parent):
        yield temporary


def bring_back(log: Path, state: Path) -> int:
    """Add to the log what was kept elsewhere; return the number of lines.

    They go on with the chain of the log, each as it was written. What cannot be added stays where
    it is.
    """
    temporary = _temporary(state)
    kept = [state / _NAME, *([temporary] if _is_ours(temporary.parent) else [])]
    return sum(_moved(each, log) for each in kept if each.is_file() or _waiting(each))


def _temporary(state: Path) -> Path:
    # Not tempfile's: it tries to write, and fails where no disk takes anything.
    folder = Path(os.environ.get("TMPDIR") or "/tmp")  # noqa: S108 - a folder of ours below it
    target = hashlib.sha256(os.fsencode(state.absolute())).hexdigest()[:12]
    return folder / f"deploytool-{os.getuid()}" / f"{target}.log"


def _is_ours(folder: Path) -> bool:
    """Tell whether nobody else can have written there."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return is_own and not found.st_mode & 0o077


def _taken(kept: Path) -> Path:
    return kept.with_name(f"{kept.name}.taken")


def _waiting(kept: Path) -> list[Path]:
    """Return what waits to be brought back and is written to no more, the oldest first."""
    return [*earlier_parts(kept), *([_taken(kept)] if _taken(kept).is_file() else [])]


def _moved(kept: Path, log: Path) -> int:
    """Bring back what is kept in a place; leave all of a file there that cannot be added whole."""
    done = 0
    with suppress(OSError, RecordFailed), _alone(kept.parent):
        while sources := _waiting(kept) or _put_aside(kept):
            with opened(sources[0]) as parts:
                lines = _lines(raw for part in parts for _, raw in part.lines())
            for line in _missing(lines, log):
                append(log, line)
                done += 1
            sources[0].unlink()
    return done


def _put_aside(kept: Path) -> list[Path]:
    """Give what is kept another name: whoever still writes there begins anew."""
    if not kept.is_file():
        return []
    kept.rename(_taken(kept))
    return [_taken(kept)]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other commands from bringing the same back meanwhile. Raises OSError when one does."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _missing(lines: list[bytes], log: Path) -> list[bytes]:
    """Leave out the lines that the log has: whoever brought them back was stopped after them."""
    runs = {json.loads(line).get("run", "") for line in lines}
    there = {
        (line["run"], line.get("sequence")) for run in runs if run for line in read_run(log, run)
    }
    numbered = [(json.loads(line), line) for line in lines]
    return [raw for line, raw in numbered if (line.get("run"), line.get("sequence")) not in there]


def _lines(log: Iterable[bytes]) -> list[bytes]:
    """Return what the lines of a log say, without the hashes of its chain; pieces are left out."""
    lines = []
    for raw in log:
        with suppress(ValueError):
            line = json.loads(raw)
            if isinstance(line, dict) and "schema" not in line:
                line.pop("hash", None)
                lines.append(encoded(line))
    return lines
