"""A release: what was built of every component, by name of its image and content.

A file of it can be promoted from target to target: it says what to run, and a digest is no tag that
somebody may move.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from deploytool.errors import InvalidInput, Place
from deploytool.system.declared import Declared, Name
from deploytool.system.document import Document, parse_documents, parse_model

_FORMAT = 1
_DIGEST = r"sha256:[0-9a-f]{64}"
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

    @property
    def name(self) -> str:
        """NAME:TAG, as the image was built: what it is, wherever it is pulled from."""
        return f"{self.image.partition('@')[0].rpartition('/')[2]}:{self.tag}"

    @property
    def digest(self) -> str:
        """The digest alone, sha256:HEX."""
        return self.image.partition("@")[2]


class Release(Declared):
    """What was built of a system."""

    format: Literal[1] = 1
    system: Name
    # Where its sources are, https://...
    repository: str = Field(min_length=1)
    commit: str = Field(pattern=r"^[0-9a-f]{40}$")
    # By name of the component, or of another service that comes with it.
    images: dict[Name, ReleasedImage] = Field(min_length=1)


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
