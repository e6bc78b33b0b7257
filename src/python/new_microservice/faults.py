"""The faults that INVENTORY_FAULT can ask for, so that a canary has something to find."""

import re
from dataclasses import dataclass

FORMS = "error:0.05, refuse:0.5, latency:200ms, crash, crash:N, unready or exit"
DEFAULT_CRASH_AT = 20


@dataclass(frozen=True, slots=True)
class ErrorShare:
    """This share (0-1) of the business requests answers 500."""

    share: float


@dataclass(frozen=True, slots=True)
class RefusedShare:
    """This share (0-1) of the confirmations is refused: wrong, but no server error to be seen."""

    share: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Every business request takes this much longer."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class Crash:
    """The process dies on this business request, counted from 1."""

    at_request: int


@dataclass(frozen=True, slots=True)
class Unready:
    """/readyz stays 503."""


@dataclass(frozen=True, slots=True)
class ExitAtStart:
    """The process exits before it serves anything."""


Fault = ErrorShare | RefusedShare | Latency | Crash | Unready | ExitAtStart


def parse_fault(text: str) -> Fault:
    """Read one of FORMS; raises ValueError saying what is wrong."""
    name, _, argument = text.strip().partition(":")
    match name:
        case "error" | "refuse" if re.fullmatch(r"0(\.\d+)?|1(\.0+)?", argument):
            share = float(argument)
            return ErrorShare(share) if name == "error" else RefusedShare(share)
        case "error" | "refuse":
            raise ValueError(
                f"{name} takes a share from 0 to 1, as in {name}:0.05, not {argument!r}"
            )
        case "latency" if re.fullmatch(r"\d{1,5}ms", argument):
            return Latency(int(argument.removesuffix("ms")) / 1000)
        case "latency":
            raise ValueError(f"latency takes milliseconds, as in latency:200ms, not {argument!r}")
        case "crash" if re.fullmatch(r"[1-9]\d{0,8}", argument):
            return Crash(int(argument))
        case "crash" if ":" not in text:
            return Crash(DEFAULT_CRASH_AT)
        case "crash":
            raise ValueError(
                f"crash takes a request number from 1, as in crash:5, not {argument!r}"
            )
        case "unready" if ":" not in text:
            return Unready()
        case "exit" if ":" not in text:
            return ExitAtStart()
        case _:
            raise ValueError(f"{text!r} is not a fault; know {FORMS}")
