"""Times and modes that do not depend on where and when a file was written."""

import os
from pathlib import Path

# 1980-01-01, the earliest that every archive format can hold.
TIME_S = 315532800


def settle(folder: Path) -> None:
    """Give everything in a folder, and itself, one time and a mode that lets all read it."""
    for path in (*folder.rglob("*"), folder):
        if not path.is_symlink():
            is_executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if is_executable else 0o644)
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (TIME_S, TIME_S), follow_symlinks=False)
