"""What a check has found, and where it points to."""

import re
from dataclasses import dataclass

from deploytool.manifests.manifest import Manifest
from deploytool.system.document import Location

_WORD = re.compile(r"[\w$-]+")


@dataclass(frozen=True, slots=True)
class Finding:
    """What is to be said about an object.

    location: in the object; of something missing, where it would be. is_error: False for a note,
    which makes nothing invalid.
    """

    manifest: Manifest
    location: Location
    message: str
    is_error: bool = True


def dotted(location: Location) -> str:
    """Return a location as people write it: spec.containers[0].image."""
    return "".join(_step(part) for part in location).removeprefix(".")


def _step(part: str | int) -> str:
    if isinstance(part, str) and _WORD.fullmatch(part):
        return f".{part}"
    return f"[{part!r}]"
