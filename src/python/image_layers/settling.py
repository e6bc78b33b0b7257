"""Times and modes that do not depend on where and when a file was written."""

import os
from pathlib import Path

# 1980-01-01, the earliest that every archive format can hold.
TIME_S = 315532800
# A program, a library, a script.
EXECUTABLE = (b"\x7fELF", b"#!")


def settle(folder: Path) -> None:
    """Give everything in a folder, and itself, one time and a mode that lets all read it."""
    for path in (*folder.rglob("*"), folder):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or _is_executable(path) else 0o644)
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (TIME_S, TIME_S), follow_symlinks=False)


def _is_executable(path: Path) -> bool:
    """Tell by the content: Pants hands out large files with a mode that depends on its cache."""
    with path.open("rb") as file:
        return file.read(4).startswith(EXECUTABLE)
