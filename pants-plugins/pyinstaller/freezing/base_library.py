"""The part of the standard library that must be there before any other import."""

from __future__ import annotations

import zipfile
from pathlib import Path


def sort_entries(archive: Path) -> None:
    """Sort the archive: PyInstaller writes it in an order that differs from build to build."""
    with zipfile.ZipFile(archive) as unsorted:
        entries = sorted((name, unsorted.read(name)) for name in unsorted.namelist())
    with zipfile.ZipFile(archive, "w") as rewritten:
        for name, content in entries:
            # Without a date of its own a ZipInfo has the first one that there is.
            rewritten.writestr(zipfile.ZipInfo(name), content)
