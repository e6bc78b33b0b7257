"""The faults that INVENTORY_FAULT can ask for, so that a canary has something to find."""

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorShare:
    """This share (0-1) of the business requests answers 500."""

    share: float


@dataclass(frozen=True, slots=True)
class StatusShare:
    """This share (0-1) of the business requests answers this status (300-599)."""

    status: int
    share: float


@dataclass(frozen=True, slots=True)
class BodyShare:
    """This share (0-1) of the business requests is served, but answered by an error document."""

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
class HangShare:
    """This share (0-1) of the business requests is never answered."""

    share: float


@dataclass(frozen=True, slots=True)
class SlowBodyShare:
    """This share (0-1) of the answers has its headers at once, its body this much later."""

    delay_s: float
    share: float


@dataclass(frozen=True, slots=True)
class Leak:
    """Each business request keeps so much more memory."""

    kept_bytes: int


@dataclass(frozen=True, slots=True)
class Crash:
    """The process dies on this business request, counted from 1."""

    at_request: int


@dataclass(frozen=True, slots=True)
class Unready:
    """/readyz stays 503."""


@dataclass(frozen=True, slots=True)
class Exit:
    """The process exits before it serves anything; if late, at the next business request."""


@dataclass(frozen=True, slots=True)
class Late:
    """Nothing is wrong until the process is so old; then it has the fault."""

    after_s: float
    fault: "Fault"


Fault = (
    ErrorShare
    | StatusShare
    | BodyShare
    | RefusedShare
    | Latency
    | HangShare
    | SlowBodyShare
    | Leak
    | Crash
    | Unready
    | Exit
    | Late
)


@dataclass(frozen=True, slots=True)
class _Form:
    """How a fault is written after its name and a colon; `make` takes the pattern's groups."""

    pattern: str
    takes: str
    example: str
    make: Callable[..., Fault]


_SHARE = r"(0(?:\.\d+)?|1(?:\.0+)?)"
_A_SHARE = "a share from 0 to 1"
_FORMS = {
    "error": _Form(_SHARE, _A_SHARE, "error:0.05", lambda share: ErrorShare(float(share))),
    "status": _Form(
        rf"([345]\d\d):{_SHARE}",
        "a status from 300 to 599 and a share from 0 to 1",
        "status:404:0.2",
        lambda status, share: StatusShare(int(status), float(share)),
    ),
    "body": _Form(_SHARE, _A_SHARE, "body:0.2", lambda share: BodyShare(float(share))),
    "refuse": _Form(_SHARE, _A_SHARE, "refuse:0.5", lambda share: RefusedShare(float(share))),
    "latency": _Form(
        r"(\d{1,5})ms", "milliseconds", "latency:200ms", lambda ms: Latency(int(ms) / 1000)
    ),
    "hang": _Form(_SHARE, _A_SHARE, "hang:0.02", lambda share: HangShare(float(share))),
    "slowbody": _Form(
        rf"(\d{{1,5}})ms:{_SHARE}",
        "milliseconds and a share from 0 to 1",
        "slowbody:3000ms:0.05",
        lambda ms, share: SlowBodyShare(int(ms) / 1000, float(share)),
    ),
    "leak": _Form(
        r"([1-9]\d{0,2})mb", "megabytes from 1 to 999", "leak:50mb", lambda mb: Leak(int(mb) << 20)
    ),
    "crash": _Form(
        r"([1-9]\d{0,8})", "a request number from 1", "crash:5", lambda number: Crash(int(number))
    ),
    "late": _Form(
        r"(\d{1,5})s:(?!\s*late:)(.+)",
        "seconds and another fault",
        "late:60s:error:1",
        lambda after, fault: Late(float(after), parse_fault(fault)),
    ),
}
_WITHOUT_ARGUMENT: dict[str, Fault] = {"crash": Crash(20), "unready": Unready(), "exit": Exit()}
FORMS = ", ".join([*(form.example for form in _FORMS.values()), *_WITHOUT_ARGUMENT])


def parse_fault(text: str) -> Fault:
    """Read one of FORMS; raises ValueError saying what is wrong."""
    name, colon, argument = text.strip().partition(":")
    if name in _WITHOUT_ARGUMENT and not colon:
        return _WITHOUT_ARGUMENT[name]
    if name not in _FORMS and name in _WITHOUT_ARGUMENT:
        raise ValueError(f"{name} takes no argument, not {argument!r}")
    if name not in _FORMS:
        raise ValueError(f"{text!r} is not a fault; know {FORMS}")
    form = _FORMS[name]
    found = re.fullmatch(form.pattern, argument)
    if found is None:
        raise ValueError(f"{name} takes {form.takes}, as in {form.example}, not {argument!r}")
    return form.make(*found.groups())


def begun(fault: Fault | None, age_s: float) -> Fault | None:
    """Return what is wrong with a process that has run for so long; None if nothing is."""
    if isinstance(fault, Late):
        return fault.fault if age_s >= fault.after_s else None
    return fault
