"""The check of objects against the schemas of their kinds, strictly, and its findings in words.

No message quotes a value: it may be a secret.
"""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from jsonschema import ValidationError

from deploytool.manifests.finding import Finding, dotted
from deploytool.manifests.manifest import Manifest
from deploytool.manifests.rendering import Rendering
from deploytool.manifests.schemas import Schemas, schemas_for
from deploytool.system.document import Location

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}


def check_schema(rendering: Rendering) -> Iterator[Finding]:
    """Find unknown, missing and wrong fields, and kinds that Kubernetes does not have.

    Kinds of others (CRDs) have no schema here: that they are not checked is a note.
    """
    schemas = schemas_for(rendering.kubernetes)
    for manifest in rendering.manifests:
        if not manifest.api_version or not manifest.kind:
            continue  # whoever checks identities says so
        validator = schemas.validator(manifest.api_version, manifest.kind)
        if validator is None:
            yield _unknown_kind(manifest, schemas)
        else:
            errors = validator.iter_errors(manifest.data)
            found = (finding for error in errors for finding in _findings(manifest, error))
            # One for each missing field, and each error of that sort tells of all.
            yield from dict.fromkeys(found)


def _unknown_kind(manifest: Manifest, schemas: Schemas) -> Finding:
    kind, api_version = manifest.kind, manifest.api_version
    if not schemas.owns(api_version):
        message = f"not checked: no schema for {kind} of {api_version}"
        return Finding(manifest, ("kind",), message, is_error=False)
    message = f"Kubernetes {schemas.version} has no {kind} of {api_version}"
    elsewhere = schemas.api_versions(kind)
    if elsewhere:
        return Finding(manifest, ("apiVersion",), f"{message}, but of {', '.join(elsewhere)}")
    return Finding(manifest, ("kind",), message + _guess(kind, schemas.kinds(api_version)))


def _findings(manifest: Manifest, error: ValidationError) -> Iterator[Finding]:
    at: Location = tuple(error.absolute_path)
    value: Any = error.instance
    schema: Any = error.schema
    match error.validator:
        case "required":
            for name in schema["required"]:
                if name not in value:
                    yield Finding(manifest, (*at, name), f"{dotted((*at, name))} is missing")
        case "additionalProperties":
            known = schema.get("properties", {})
            for name in value:
                if name not in known:
                    message = f"{dotted((*at, name))}: there is no such field"
                    yield Finding(manifest, (*at, name), message + _guess(name, known))
        case "enum":
            allowed = ", ".join(map(str, schema["enum"]))
            yield Finding(manifest, at, f"{dotted(at)} must be one of {allowed}")
        case "type":
            yield Finding(manifest, at, _wrong_type(at, [schema], value))
        case "oneOf":
            yield Finding(manifest, at, _wrong_type(at, schema["oneOf"], value))
        case _:
            message = f"{dotted(at)} does not fit the schema ({error.validator})"
            yield Finding(manifest, at, message)


def _wrong_type(at: Location, schemas: Iterable[Mapping[str, Any]], value: Any) -> str:
    types = [name for schema in schemas for name in _list(schema["type"]) if name != "null"]
    wanted = " or ".join(_TYPES[name] for name in types)
    found = _type_in_words(value)
    quotes = "; put it in quotes" if types == ["string"] and isinstance(value, int | float) else ""
    return f"{dotted(at)} must be {wanted}, not {found}{quotes}"


def _type_in_words(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return _TYPES["boolean"]
        case int() | float():
            return _TYPES["number"]
        case str():
            return _TYPES["string"]
        case list():
            return _TYPES["array"]
    return _TYPES["object"]


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _guess(name: Any, known: Iterable[str]) -> str:
    close = get_close_matches(str(name), known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
