"""YAML that remembers its lines, so that every complaint about a file can name FILE:LINE."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from deploytool.errors import InvalidInput, Place

Location = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its data, and the line (from 1) on which each part of it starts."""

    path: Path
    data: Any
    lines: Mapping[Location, int] = field(default_factory=dict)

    def place(self, location: Location) -> Place:
        """Return the line of the part at the location, or of the closest part around it."""
        for length in range(len(location), -1, -1):
            if location[:length] in self.lines:
                return Place(self.path, self.lines[location[:length]])
        return Place(self.path)


def read_document(path: Path) -> Document:
    """Read a file of one YAML document. Raises InvalidInput as read_documents does."""
    first, *others = read_documents(path) or [Document(path, None)]
    if others:
        raise InvalidInput(
            f"{path.name} holds {1 + len(others)} documents",
            why="it is read as one",
            hint="take out what begins at the line named",
            place=others[0].place(()),
        )
    return first


def read_documents(path: Path) -> list[Document]:
    """Read the YAML documents of a file.

    Raises InvalidInput when the file is missing or broken, or repeats a key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"{path.name} cannot be read",
            why=str(error),
            hint="run deploytool inside a repository that has this file",
            place=Place(path),
        ) from error
    return parse_documents(text, path)


def parse_documents(text: str, path: Path) -> list[Document]:
    """Return the YAML documents of a text; path: where it comes from. Raises InvalidInput."""
    try:
        nodes = yaml.compose_all(text, Loader=yaml.CSafeLoader)
        return [_document(node, path) for node in nodes]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise InvalidInput(
            f"{path.name} is not valid YAML",
            why=str(getattr(error, "problem", None) or error),
            hint="correct the line named",
            place=Place(path, mark.line + 1 if mark else None),
        ) from error


def parse_model(document: Document, model: type[Model]) -> Model:
    """Return the document as the model. Raises InvalidInput with the line of the first fault."""
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        first = faults[0]
        is_missing = first["type"] == "missing"
        location = _without_tags(first["loc"], document, is_missing=is_missing)
        others = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise InvalidInput(
            f"{'.'.join(map(str, location)) or document.path.name} is not valid",
            why=f"{first['msg'].removeprefix('Value error, ')}{others}",
            hint="correct the line named",
            place=document.place(location),
        ) from error


def _without_tags(location: Location, document: Document, *, is_missing: bool) -> Location:
    """Leave out what pydantic puts into a location beside keys: the tags of union members."""
    kept: Location = ()
    for index, part in enumerate(location):
        is_last = index == len(location) - 1
        if (*kept, part) in document.lines or (is_last and is_missing):
            kept = (*kept, part)
    return kept


def _document(node: yaml.Node, path: Path) -> Document:
    lines: dict[Location, int] = {}
    return Document(path, _construct(node, (), lines, path), lines)


def _construct(node: yaml.Node, at: Location, lines: dict[Location, int], path: Path) -> Any:
    lines[at] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_construct(item, (*at, i), lines, path) for i, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _construct_mapping(node, at, lines, path)
    return _scalar(node)


def _scalar(node: yaml.Node) -> Any:
    # As Kubernetes reads them, and JSON has them: neither dates nor numbers to the base of 60.
    is_sexagesimal = node.tag in _NUMBERS and ":" in node.value
    if is_sexagesimal or node.tag in _TEXTS:
        return node.value
    return _scalars.construct_object(node)


def _construct_mapping(
    node: yaml.MappingNode, at: Location, lines: dict[Location, int], path: Path
) -> dict[Hashable, Any]:
    mapping: dict[Hashable, Any] = {}
    given: set[Hashable] = set()
    for key_node, value_node in node.value:
        if key_node.tag == _MERGE:
            merged = _construct(value_node, (*at, "<<"), lines, path)
            for each in merged if isinstance(merged, list) else [merged]:
                if not isinstance(each, dict):
                    raise _fault("only mappings can be merged", value_node)
                mapping = {**each, **mapping}
            continue
        if not isinstance(key_node, yaml.ScalarNode):
            raise _fault("a key must be a single word", key_node)
        key = _scalar(key_node)
        line = key_node.start_mark.line + 1
        if key in given:
            raise InvalidInput(
                f"{path.name}: the key {key!r} stands twice",
                why="the second would silently replace the first",
                hint="remove one of them",
                place=Place(path, line),
            )
        given.add(key)
        mapping[key] = _construct(value_node, (*at, key), lines, path)
        lines[*at, key] = line
    return mapping


def _fault(problem: str, node: yaml.Node) -> yaml.YAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


_MERGE = "tag:yaml.org,2002:merge"
_NUMBERS = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}
_TEXTS = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"}
# Resolves the scalars of one node; it is given no text of its own.
_scalars = yaml.SafeLoader("")
