"""A release: what was built of every component, by name of its image and content.

A file of it can be promoted from target to target: it says what to run, and a digest is no tag that
somebody may move.
"""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from deploytool.errors import InvalidInput, Place
from deploytool.system.declared import Declared, Name
from deploytool.system.document import Document, parse_documents, parse_model

_FORMAT = 1
_DIGEST = r"sha256:[0-9a-f]{64}"
_COMMIT = r"^[0-9a-f]{40}$"
# Beside FILE lies its signature, FILE.bundle.
_BUNDLE = ".bundle"


class ReleasedImage(Declared):
    """One image in a registry."""

    # HOST[:PORT][/PATH]/NAME@sha256:DIGEST
    image: str = Field(pattern=rf"^[^\s@/]+(/[^\s@/]+)+@{_DIGEST}$")
    # The tag that stands for its content, as it was built.
    tag: str = Field(pattern=r"^\w[\w.-]{0,127}$")
    # OS/ARCHITECTURE, as the engine that built it names them.
    platform: str = Field(pattern=r"^[a-z0-9]+/[a-z0-9]+(/[a-z0-9]+)?$")
    # The `content_digest` of its bill of materials in SPDX; None where none was made.
    sbom: str | None = Field(default=None, pattern=rf"^{_DIGEST}$")
    # That of the build which its provenance tells of; None where it is the release's. Later commits
    # build the same image as long as nothing changes that it is made of.
    commit: str | None = Field(default=None, pattern=_COMMIT)

    @property
    def name(self) -> str:
        """NAME:TAG, as the image was built: what it is, wherever it is pulled from."""
        return f"{self.image.partition('@')[0].rpartition('/')[2]}:{self.tag}"

    @property
    def digest(self) -> str:
        """The digest alone, sha256:HEX."""
        return self.image.partition("@")[2]


class ReleasedBuild(Declared):
    """One image of a release, with the sources that it was built from."""

    image: ReleasedImage
    repository: str
    commit: str


class Release(Declared):
    """What was built of a system."""

    format: Literal[1] = 1
    system: Name
    # Where its sources are, https://...
    repository: str = Field(min_length=1)
    commit: str = Field(pattern=_COMMIT)
    # By name of the component, or of another service that comes with it.
    images: dict[Name, ReleasedImage] = Field(min_length=1)

    @property
    def builds(self) -> dict[str, ReleasedBuild]:
        """Each image with its sources."""
        return {
            name: ReleasedBuild(
                image=image, repository=self.repository, commit=image.commit or self.commit
            )
            for name, image in self.images.items()
        }


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """A release file as it was read, once: what is verified and deployed are the same bytes."""

    path: Path
    content: bytes
    release: Release
    document: Document

    @property
    def digest(self) -> str:
        """SHA-256 of its bytes, in hex: by it a release is known."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def bundle(self) -> Path:
        """Return where its signature lies."""
        return bundle_of(self.path)

    def place(self, *location: str) -> Place:
        """Return the line of a part of the file, such as "images", NAME."""
        return self.document.place(location)


def bundle_of(path: Path) -> Path:
    """Return where the signature of a release file lies."""
    return path.with_name(path.name + _BUNDLE)


def content_digest(document: Any) -> str:
    """Return the digest of a JSON document's content: of layout and order of keys it knows nothing.

    An attestation holds a document as content, not as the bytes that it once was.
    """
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def read_release(path: Path) -> ReleaseFile:
    """Read a release file. Raises InvalidInput with the file and line to blame."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(
            "the release file cannot be read",
            why=str(error),
            hint="name the file that `deploytool push` wrote",
            place=Place(path),
        ) from error
    document = _document(path, content)
    _require_format(document)
    return ReleaseFile(path, content, parse_model(document, Release), document)


def require_fitting(
    file: ReleaseFile, *, system: str, required: Collection[str], known: Collection[str]
) -> None:
    """Raise InvalidInput unless the release is one of the system, with all that it needs.

    required: names of which each needs an image. known: all names that may have one.
    """
    release = file.release
    if release.system != system:
        raise InvalidInput(
            f"the release is one of the system {release.system!r}",
            why=f"system.yaml declares {system!r}",
            hint="name a release of this system",
            place=file.place("system"),
        )
    missing = sorted(set(required) - set(release.images))
    if missing:
        raise InvalidInput(
            f"the release has no image of {', '.join(missing)}",
            why=f"it has {', '.join(release.images)}",
            hint="push all images of a target: `deploytool push REGISTRY`",
            place=file.place("images"),
        )
    unknown = [name for name in release.images if name not in known]
    if unknown:
        raise InvalidInput(
            f"the release has an image of {', '.join(unknown)}, which is unknown here",
            why=f"system.yaml and targets.yaml know {', '.join(sorted(known))}",
            hint="deploy it from the commit that it was made of",
            place=file.place("images", unknown[0]),
        )


def require_repository(file: ReleaseFile, repository: str) -> None:
    """Raise InvalidInput unless the release was made of the repository."""
    if file.release.repository != repository:
        raise InvalidInput(
            "the release was made of another repository",
            why=f"it says {file.release.repository}, the target demands {repository}",
            hint="name a release of that repository, or correct `proof` in targets.yaml",
            place=file.place("repository"),
        )


def _document(path: Path, content: bytes) -> Document:
    try:
        text = content.decode()
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            "the release file is not JSON",
            why=str(error),
            hint="name the file that `deploytool push` wrote, as it was written",
            place=Place(path, getattr(error, "lineno", None)),
        ) from error
    # JSON is YAML, whose reader knows the lines and takes no key twice.
    found = parse_documents(text, path)
    return Document(path, data, found[0].lines if found else {})


def _require_format(document: Document) -> None:
    data = document.data
    if isinstance(data, dict) and data.get("format", _FORMAT) != _FORMAT:
        raise InvalidInput(
            f"the release file is of format {data['format']!r}",
            why=f"this deploytool knows format {_FORMAT}",
            hint="use the deploytool that wrote it, or a newer one",
            place=document.place(("format",)),
        )
