"""The schemas of Kubernetes' own kinds, out of the package kubernetes-validate.

Its own functions read all schemas again for each object. Here the one file that holds all kinds of
a version is read once, and each kind's validator is made once.
"""

import json
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

import kubernetes_validate
from jsonschema import Draft202012Validator

from deploytool.errors import InvalidInput

# Of the folders: v1.35.0-local-strict. Strict ones know all fields there are.
_STRICT = ".0-local-strict"
_GVK = "x-kubernetes-group-version-kind"


class Schemas:
    """The kinds of one version of Kubernetes. version: as in 1.35."""

    def __init__(self, version: str, file: Traversable) -> None:
        self.version = version
        self._definitions = json.loads(file.read_text(encoding="utf-8"))["$defs"]
        self._names = {
            (_api_version(gvk), gvk["kind"]): name
            for name, definition in self._definitions.items()
            for gvk in definition.get(_GVK, ())
        }
        self._validators: dict[tuple[str, str], Draft202012Validator] = {}

    def validator(self, api_version: str, kind: str) -> Draft202012Validator | None:
        """Return what judges objects of a kind; None for a kind that is not Kubernetes' own."""
        key = (api_version, kind)
        if key not in self._names:
            return None
        if key not in self._validators:
            schema = {"$ref": f"#/$defs/{self._names[key]}", "$defs": self._definitions}
            self._validators[key] = Draft202012Validator(schema)
        return self._validators[key]

    def owns(self, api_version: str) -> bool:
        """Tell whether an API is Kubernetes' own, in whatever version."""
        group = _group(api_version)
        # Groups of others need a dot in their name.
        return "." not in group or any(_group(known) == group for known, _ in self._names)

    def api_versions(self, kind: str) -> list[str]:
        """Return the APIs that have a kind of that name."""
        return [api_version for api_version, known in self._names if known == kind]

    def kinds(self, api_version: str) -> list[str]:
        """Return the kinds of an API."""
        return [kind for known, kind in self._names if known == api_version]


@cache
def schemas_for(version: str) -> Schemas:
    """Return the schemas of a Kubernetes, or of the newest before it that there are schemas of.

    Raises InvalidInput when there are none.
    """
    folder = files(kubernetes_validate) / "kubernetes-json-schema"
    names = (each.name for each in folder.iterdir() if each.name.endswith(_STRICT))
    bundled = sorted((name[1:].removesuffix(_STRICT) for name in names), key=_number)
    fitting = [each for each in bundled if _number(each) <= _number(version)]
    if not fitting:
        raise InvalidInput(
            f"there are no schemas for Kubernetes {version}",
            why=f"the oldest are those of {bundled[0]}",
            hint="correct `kubernetes_version` in targets.yaml",
        )
    return Schemas(fitting[-1], folder / f"v{fitting[-1]}{_STRICT}" / "_definitions.json")


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _api_version(gvk: dict[str, str]) -> str:
    return f"{gvk['group']}/{gvk['version']}" if gvk["group"] else gvk["version"]


def _group(api_version: str) -> str:
    return api_version.rpartition("/")[0]
