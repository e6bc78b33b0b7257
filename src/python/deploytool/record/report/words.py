"""Times and numbers as a report writes them."""

import re
from datetime import UTC, datetime

_MINUTE_S = 60
_HOUR_S = 3600
_DAY_S = 86_400


def clock(seconds: float) -> str:
    """Write a time since the start as minutes:seconds, with hours where there are any."""
    sign = "-" if seconds < 0 else ""
    minutes, rest = divmod(round(abs(seconds)), _MINUTE_S)
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours}:{minutes:02}:{rest:02}" if hours else f"{sign}{minutes}:{rest:02}"


def span(seconds: float) -> str:
    """Write how long something took, in its two largest units."""
    whole = round(seconds)
    if whole < _MINUTE_S:
        return f"{number(round(seconds, 1) if seconds < 10 else whole)} s"  # noqa: PLR2004 - two figures
    for unit_s, unit, part_s, part in (
        (_DAY_S, "d", _HOUR_S, "h"),
        (_HOUR_S, "h", _MINUTE_S, "min"),
        (_MINUTE_S, "min", 1, "s"),
    ):
        if whole >= unit_s:
            rest = whole % unit_s // part_s
            return f"{whole // unit_s} {unit}" + (f" {rest} {part}" if rest else "")
    raise AssertionError(seconds)


def moment(time: datetime) -> str:
    """Write a moment to the second, in UTC."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def number(value: float) -> str:
    """Write a number without needless zeros."""
    return f"{value:,g}"


def unbroken(text: str) -> str:
    """Keep each number and its unit on one line."""
    return re.sub(r"(?<=\d) (?=(?:%|ms|s|min|h|d)(?:\W|$))", "\N{NO-BREAK SPACE}", text)
