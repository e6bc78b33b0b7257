"""What locks pin, whatever Python and machine each pin is for. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lock_audit.errors import WrongLock

_PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)(\s*;[^\\]*)?\s*\\?")
_HASH = re.compile(r"--hash=(?P<hash>sha256:[0-9a-f]{64})\s*\\?")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a lock pins something; lines count from 1."""

    lock: str
    line: int

    def __str__(self) -> str:
        return f"{self.lock}:{self.line}"


@dataclass(slots=True)
class Pin:
    """One version of one distribution, the hashes of its files, and where it is pinned."""

    name: str
    version: str
    hashes: set[str] = field(default_factory=set)
    places: list[Place] = field(default_factory=list)


def read_pins(locks: Mapping[str, str]) -> list[Pin]:
    """Return what locks, path -> text, pin, each once. Raises WrongLock with file and line."""
    pins: dict[tuple[str, str], Pin] = {}
    for path, text in locks.items():
        pin: Pin | None = None
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip() or line.startswith("#"):
                continue
            if found := _PIN.fullmatch(line):
                name = re.sub(r"[-_.]+", "-", found["name"]).lower()
                pin = pins.setdefault((name, found["version"]), Pin(name, found["version"]))
                pin.places.append(Place(path, number))
            elif pin is not None and (found := _HASH.fullmatch(line.strip())):
                pin.hashes.add(found["hash"])
            else:
                raise _wrong(Place(path, number), f"neither NAME==VERSION nor --hash: {line[:60]}")
    for pin in pins.values():
        if not pin.hashes:
            raise _wrong(pin.places[0], f"{pin.name} {pin.version} has no hash")
    return list(pins.values())


def sheets(pins: Iterable[Pin]) -> list[str]:
    """Return requirement files that hold all pins between them, none of them a name twice.

    Without markers: pip-audit passes over what is for another Python than its own, `--strict` or
    not, and refuses two versions of a name in one file.
    """
    versions: dict[str, int] = {}
    lines: list[list[str]] = []
    for pin in pins:
        sheet = versions.setdefault(pin.name, 0)
        versions[pin.name] += 1
        if sheet == len(lines):
            lines.append([])
        hashes = " ".join(f"--hash={each}" for each in sorted(pin.hashes))
        lines[sheet].append(f"{pin.name}=={pin.version} {hashes}\n")
    return ["".join(sheet) for sheet in lines]


def _wrong(place: Place, why: str) -> WrongLock:
    return WrongLock(
        f"{place} is no line of a lock", why=why, hint="write it anew by 3rdparty/python/lock"
    )
