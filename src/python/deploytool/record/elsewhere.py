"""Where the record goes while the operations log cannot be written, and how it comes back."""

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from deploytool.errors import RecordFailed
from deploytool.record.file_store import write_durably
from deploytool.record.journal import append, encoded
from deploytool.record.parts import opened

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
    return sum(_moved(each, log) for each in kept if each.is_file())


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


def _moved(kept: Path, log: Path) -> int:
    # Renamed first: of two commands at once one brings it back.
    taken = kept.with_name(f"{kept.name}.{os.getpid()}")
    try:
        kept.rename(taken)
        with opened(taken) as parts:
            lines = _lines(raw for part in parts for _, raw in part.lines())
    except (OSError, RecordFailed):
        return 0
    done = 0
    try:
        for line in lines:
            append(log, line)
            done += 1
        taken.unlink()
    except RecordFailed:
        with suppress(OSError):
            if done:
                write_durably(taken, b"\n".join(lines[done:]).decode())
            taken.rename(kept)
    return done


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
