"""Files of a state folder: written in one step, read, and their failures as our errors."""

import contextlib
import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

from deploytool.errors import PlatformFailed
from deploytool.record.file_store import write_durably


def require_space(path: Path, needed_bytes: int) -> None:
    """Raise PlatformFailed when less than this is free below the path."""
    free = shutil.disk_usage(path).free
    if free < needed_bytes:
        raise no_space(path, f"{free // 2**20} MB free, {needed_bytes // 2**20} needed")


def no_space(path: Path, detail: str = "the device is full") -> PlatformFailed:
    """Return the error for a full disk."""
    return PlatformFailed(
        f"no space left below {path}",
        why=detail,
        hint="free some space, then repeat the command",
    )


@contextlib.contextmanager
def disk(action: str, path: Path) -> Iterator[None]:
    """Turn an OSError on the state folder's files into a PlatformFailed."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise no_space(path) from error
        raise PlatformFailed(
            f"{action} failed at {path}",
            why=str(error),
            hint="correct the cause named, then repeat the command",
        ) from error


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file in one step. Raises PlatformFailed."""
    with disk("writing", path):
        write_durably(path, text, mode)


def read(path: Path) -> str | None:
    """Return a file's text, None when there is none. Raises PlatformFailed."""
    with disk("reading", path):
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
