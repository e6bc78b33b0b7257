"""Folders of kustomize: what they are made of, and which file an object of theirs comes from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploytool.errors import Place
from deploytool.manifests.finding import Finding
from deploytool.manifests.manifest import ABSENT, Manifest, manifests_in
from deploytool.system.document import Document, read_document, read_documents

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")


@dataclass(frozen=True, slots=True)
class Kustomization:
    """A folder of kustomize. parts: files of objects and other folders, as far as they are here."""

    file: Path
    is_component: bool
    parts: tuple[Path, ...]

    def documents(self) -> list[Document]:
        """Read the files of objects. Raises InvalidInput."""
        files = (part for part in self.parts if part.is_file())
        return [document for file in files for document in read_documents(file)]


def read_kustomization(folder: Path) -> Kustomization | None:
    """Read the kustomization of a folder; None when there is none. Raises InvalidInput."""
    for file in (folder / name for name in NAMES):
        if file.is_file():
            whole = Manifest(read_document(file))
            named = [*_texts(whole, "resources"), *_texts(whole, "components")]
            parts = [(folder / name).resolve() for name in named]
            # Others are addresses of repositories.
            here = tuple(part for part in parts if part.exists())
            return Kustomization(file, whole.kind == "Component", here)
    return None


def read_all(folder: Path) -> list[Kustomization]:
    """Read a folder's kustomization and all those it is made of; none without. Raises InvalidInput.

    The first is the folder's own.
    """
    found: dict[Path, Kustomization] = {}
    waiting = [folder.resolve()]
    while waiting:
        next_folder = waiting.pop()
        kustomization = None if next_folder in found else read_kustomization(next_folder)
        if kustomization is not None:
            found[next_folder] = kustomization
            waiting += [part for part in kustomization.parts if part.is_dir()]
    return list(found.values())


class Sources:
    """The files that a rendering comes from.

    file: to be named for what none of them says: what patches and generators make.
    """

    def __init__(self, file: Path, documents: Sequence[Document]) -> None:
        self._file = file
        self._declared = {(each.kind, each.name): each for each in manifests_in(documents)}

    def place(self, finding: Finding) -> Place:
        """Return the line that says what was found, or the file to look into for it."""
        declared = self._declared.get((finding.manifest.kind, finding.manifest.name))
        if declared is None or not _says_the_same(declared, finding):
            return Place(self._file)
        return declared.place(finding.location)


def _says_the_same(declared: Manifest, finding: Finding) -> bool:
    location = finding.location
    around = declared.value(location[:-1])
    return around is not ABSENT and declared.value(location) == finding.manifest.value(location)


def _texts(whole: Manifest, name: str) -> Iterator[str]:
    value = whole.value((name,))
    # What is wrong with it, kustomize says.
    yield from (each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
