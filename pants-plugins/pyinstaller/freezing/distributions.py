"""Which distributions the files of the environment belong to."""

from __future__ import annotations

import os
import re
from importlib.metadata import Distribution
from pathlib import Path
from typing import Iterable

# Of an installation, not of a distribution: they name files and folders of the build machine.
NOT_METADATA = {"INSTALLER", "RECORD", "REQUESTED", "direct_url.json"}


def metadata_of_contents(
    contents: Iterable[str], distributions: Iterable[Distribution]
) -> list[tuple[str, str]]:
    """Return (name in the binary, file) for the metadata of each distribution that is part of it.

    `contents`: paths of the files that go in. PyInstaller is one of the distributions, as its
    bootloader goes in; so who looks for known flaws finds those of PyInstaller as well.
    """
    inside = {os.path.realpath(path) for path in contents if path}
    metadata: dict[str, str] = {}
    for distribution in distributions:
        files = {
            str(file): os.path.realpath(str(distribution.locate_file(file)))
            for file in distribution.files or ()
        }
        if inside.isdisjoint(files.values()):
            continue
        metadata.update(
            (name, path)
            for name, path in files.items()
            if ".dist-info/" in name
            and name.split("/", 1)[1] not in NOT_METADATA
            and Path(path).is_file()
        )
    return sorted(metadata.items())


def foreign_packages(required: Iterable[str], distributions: Iterable[Distribution]) -> list[str]:
    """Return the top-level packages of the distributions that are not among those required.

    They are there for PyInstaller; an application that imports one if it can must not get it.
    """
    names = {_normalized(name) for name in required}
    own: set[str] = set()
    foreign: set[str] = set()
    for distribution in distributions:
        known = _normalized(distribution.metadata["Name"]) in names
        (own if known else foreign).update(_packages(distribution))
    return sorted(foreign - own)


def _packages(distribution: Distribution) -> set[str]:
    return {
        file.parts[0].split(".")[0]
        for file in distribution.files or ()
        if file.suffix in {".py", ".so"} and file.parts[0] != ".."
    }


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
