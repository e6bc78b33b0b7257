"""Tells which vulnerabilities are known of what the locks pin.

    lock-audit LOCK...

Exit codes: 0 none is known, 3 some are, 2 a file is no lock, 4 the service did not answer.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from lock_audit.asking import Vulnerability, vulnerabilities
from lock_audit.errors import NoAudit, WrongLock
from lock_audit.pins import Pin, read_pins, sheets

VULNERABLE = 3


def main() -> None:
    """Audit the locks named on the command line; ends the process."""
    try:
        sys.exit(audit(sys.argv[1:]))
    except NoAudit as failure:
        print(failure, file=sys.stderr)  # noqa: T201 - this is its output
        sys.exit(failure.exit_code)


def audit(paths: Sequence[str]) -> int:
    """Print what is known of the pins of all locks; return the exit code. Raises NoAudit."""
    pins = read_pins({path: _text(path) for path in paths})
    if not pins:
        raise WrongLock("nothing is pinned", why="no lock was named", hint="name some")
    found = [each for sheet in sheets(pins) for each in vulnerabilities(sheet)]
    for each in found:
        print(_told(each, pins))  # noqa: T201 - this is its output
    count = f"{len(found) or 'no'} known vulnerabilit{'y' if len(found) == 1 else 'ies'}"
    print(f"{count} in {len(pins)} pins of {len(paths)} locks")  # noqa: T201
    return VULNERABLE if found else 0


def _told(vulnerability: Vulnerability, pins: Sequence[Pin]) -> str:
    places = [
        str(place)
        for pin in pins
        if (pin.name, pin.version) == (vulnerability.name, vulnerability.version)
        for place in pin.places
    ]
    fixed = f"fixed in {vulnerability.fixed_in}" if vulnerability.fixed_in else "not fixed yet"
    what = f"{vulnerability.name} {vulnerability.version}: {vulnerability.id}, {fixed}"
    return "\n".join([what, *(f"  {place}" for place in places)])


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongLock(
            f"{path} cannot be read", why=str(error), hint="name a lock of 3rdparty/python"
        ) from error


if __name__ == "__main__":
    main()
