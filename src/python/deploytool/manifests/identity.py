"""The check that every object says what it is, and is there once."""

from collections.abc import Iterator

from deploytool.manifests.finding import Finding, dotted
from deploytool.manifests.manifest import ABSENT, Manifest
from deploytool.manifests.rendering import Rendering
from deploytool.system.document import Location

_NAME: Location = ("metadata", "name")
_NAME_TO_BE_MADE: Location = ("metadata", "generateName")


def check_identity(rendering: Rendering) -> Iterator[Finding]:
    """Find objects without apiVersion, kind or name, and those that stand twice."""
    seen: dict[tuple[str, ...], Manifest] = {}
    for manifest in rendering.manifests:
        if not _is_object(manifest):
            yield Finding(
                manifest, (), "not checked: has neither apiVersion nor kind", is_error=False
            )
            continue
        yield from _missing(manifest)
        first = seen.setdefault(_identity(manifest), manifest)
        if first is not manifest and manifest.name:
            there = first.place(())
            where = f"{there.path.name}:{there.line}"
            yield Finding(manifest, _NAME, f"stands twice; the first is in {where}")


def _is_object(manifest: Manifest) -> bool:
    return any(manifest.value((name,)) is not ABSENT for name in ("apiVersion", "kind"))


def _missing(manifest: Manifest) -> Iterator[Finding]:
    for location in (("apiVersion",), ("kind",), _NAME):
        if location == _NAME and manifest.value(_NAME_TO_BE_MADE) is not ABSENT:
            continue
        if manifest.value(location) is ABSENT:
            yield Finding(manifest, location, f"{dotted(location)} is missing")
        elif location != _NAME and not isinstance(manifest.value(location), str):
            # Without them there is no schema that could say so.
            yield Finding(manifest, location, f"{dotted(location)} must be text")


def _identity(manifest: Manifest) -> tuple[str, ...]:
    # Another version of the same group is the same object.
    group = manifest.api_version.rpartition("/")[0]
    return group, manifest.kind, manifest.namespace, manifest.name
