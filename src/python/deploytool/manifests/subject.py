"""What to check one by one of a file or folder that somebody names."""

from collections.abc import Iterator
from pathlib import Path

from deploytool.manifests.kustomization import NAMES, read_all, read_kustomization

_ENDINGS = {".yaml", ".yml"}


def subjects_in(path: Path) -> list[Path]:
    """Return the files of objects and the folders of kustomize at a path, each to be checked alone.

    A folder without a kustomization is looked through, without what is hidden. What others in it
    are made of (bases, components) is left out: it need not be whole by itself. Raises
    InvalidInput.
    """
    if path.is_file():
        return [path.parent if path.name in NAMES else path]
    found = list(_found(path))
    folders = [each for each in found if each.is_dir()]
    used = {part for folder in folders for each in read_all(folder) for part in each.parts}
    return [each for each in found if each.resolve() not in used]


def _found(folder: Path) -> Iterator[Path]:
    if read_kustomization(folder) is not None:
        yield folder
        return
    for each in sorted(folder.iterdir()):
        if each.name.startswith("."):
            continue
        if each.is_dir():
            yield from _found(each)
        elif each.suffix in _ENDINGS:
            yield each
