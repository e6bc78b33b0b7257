"""Which fields of an object others have added, by the server's own record of who set what. Pure.

https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from collections.abc import Iterator, Mapping
from typing import Any

from deploytool.platforms.kubernetes.objects import Object

_SPEC = "f:spec"


def added(item: Object, manager: str) -> str:
    """Return who set which field of the spec that the manager has not applied; "" for nobody.

    A field that both have set is not among them: their values are the same.
    """
    owners = item.get("metadata", {}).get("managedFields") or []
    own = [each for each in owners if each["manager"] == manager and each["operation"] == "Apply"]
    if not own:
        return ""  # it was not applied, so nothing was added since
    told = []
    for each in owners:
        if each["manager"] == manager or each.get("subresource"):
            continue
        if found := list(_beside(_spec(each), _spec(own[0]))):
            told.append(f'"{each["manager"]}" has set {", ".join(found)}')
    return "; ".join(told)


def _spec(owner: Object) -> Mapping[str, Any]:
    fields = owner.get("fieldsV1") or {}
    return {_SPEC: fields[_SPEC]} if _SPEC in fields else {}


def _beside(fields: Mapping[str, Any], own: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield the outermost fields that are not among the own ones."""
    for name, below in fields.items():
        if name == ".":
            continue  # that there is such a field at all
        place = f"{path}.{name.removeprefix('f:')}"
        if name in own:
            yield from _beside(below, own[name], place)
        else:
            yield place
