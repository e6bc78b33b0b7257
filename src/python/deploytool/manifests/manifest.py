"""One Kubernetes object as it is written down."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from deploytool.errors import Place
from deploytool.system.document import Document, Location

# What kustomize reads itself: it stands beside the objects, and is none.
_OF_KUSTOMIZE = ("kustomize.config.k8s.io/", "builtin")

ABSENT = object()
"""Stands for what is not there, as None may be what is."""


@dataclass(frozen=True, slots=True, eq=False)
class Manifest:
    """An object: a document, or what is at a location of one (an item of a List)."""

    document: Document
    at: Location = ()

    @property
    def data(self) -> Any:
        """Return the object as YAML has it: a mapping, unless it is wrong."""
        return _value(self.document.data, self.at)

    @property
    def api_version(self) -> str:
        """Return its apiVersion, "" without."""
        return self._text(("apiVersion",))

    @property
    def kind(self) -> str:
        """Return its kind, "" without."""
        return self._text(("kind",))

    @property
    def name(self) -> str:
        """Return its name, "" without."""
        return self._text(("metadata", "name"))

    @property
    def namespace(self) -> str:
        """Return its namespace, "" without."""
        return self._text(("metadata", "namespace"))

    @property
    def title(self) -> str:
        """Return KIND/NAME, with ? for what is missing."""
        return f"{self.kind or '?'}/{self.name or '?'}"

    def value(self, location: Location) -> Any:
        """Return what is at a location of the object, or ABSENT."""
        return _value(self.data, location)

    def place(self, location: Location) -> Place:
        """Return the line of what is at a location of the object, or would be."""
        return self.document.place((*self.at, *location))

    def _text(self, location: Location) -> str:
        value = self.value(location)
        return value if isinstance(value, str) else ""


def manifests_in(documents: Iterable[Document]) -> Iterator[Manifest]:
    """Yield the objects of documents, those of a List one by one."""
    for document in documents:
        whole = Manifest(document)
        items = whole.value(("items",))
        if document.data is None or whole.api_version.startswith(_OF_KUSTOMIZE):
            continue
        if whole.kind == "List" and isinstance(items, list):
            yield from (Manifest(document, ("items", number)) for number in range(len(items)))
        else:
            yield whole


def _value(data: Any, location: Location) -> Any:
    for part in location:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return ABSENT
    return data
