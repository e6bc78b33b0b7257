"""Stable and canary side by side: requests, errors and latency, at this step and in total."""

from collections.abc import Callable

from rich.text import Text

from deploytool.canary.figures import ArmFigures, Arms, Figures
from deploytool.canary.words import duration, percent

_LABEL = 11
_WIDEST = 14
_NONE = "-"


def _share(arm: ArmFigures, arms: Arms) -> str:
    requests = arms.stable.requests + arms.canary.requests
    return percent(arm.requests / requests) if requests else _NONE


def _time(seconds: float | None) -> str:
    return _NONE if seconds is None else duration(seconds)


_ROWS: tuple[tuple[str, Callable[[ArmFigures, Arms], str]], ...] = (
    ("requests", lambda arm, _: f"{arm.requests:,}"),
    ("share", _share),
    ("errors", lambda arm, _: f"{arm.errors:,}"),
    ("error rate", lambda arm, _: _NONE if arm.error_rate is None else percent(arm.error_rate)),
    ("p50", lambda arm, _: _time(arm.p50_s)),
    ("p90", lambda arm, _: _time(arm.p90_s)),
    ("p99", lambda arm, _: _time(arm.p99_s)),
)


def figure_lines(figures: Figures, width: int, *, is_step_current: bool) -> list[Text]:
    """Return the table. is_step_current: the figures are of the step that the canary is at."""
    column = min(_WIDEST, (width - _LABEL) // 4)
    lines = [
        Text(" " * _LABEL + "at this step".rjust(2 * column) + "in total".rjust(2 * column)),
        Text(" " * _LABEL + "".join(name.rjust(column) for name in ("stable", "canary") * 2)),
    ]
    for line in lines:
        line.stylize("dim")
    for label, value in _ROWS:
        line = Text(label.ljust(_LABEL), style="default")
        for arms, is_known in ((figures.at_step, is_step_current), (figures.in_total, True)):
            for arm in (arms.stable, arms.canary):
                cell = value(arm, arms) if is_known else _NONE
                is_bad = label == "errors" and is_known and arm.errors > 0
                line.append(cell.rjust(column), style="bold" if is_bad else "")
        lines.append(line)
    return [*lines, *_codes(figures), *_others(figures)]


def _codes(figures: Figures) -> list[Text]:
    """Return what the canary's errors were, if it had any."""
    codes = figures.in_total.canary.errors_by_code
    if not codes:
        return []
    named = [f"{code or 'no answer'}: {count:,}" for code, count in codes.items()]
    return [Text(f"the canary's errors in total by status: {', '.join(named)}")]


_OTHERS: tuple[tuple[str, Callable[[ArmFigures], int]], ...] = (
    ("answers 4xx", lambda arm: arm.client_errors),
    ("redirects", lambda arm: arm.redirects),
    ("gave up late", lambda arm: arm.gave_up_late),
    ("gave up soon", lambda arm: arm.gave_up_soon),
)


def _others(figures: Figures) -> list[Text]:
    """Return what else there was in total, the canary's to stable's, if there was any."""
    canary, stable = figures.in_total.canary, figures.in_total.stable
    named = [
        f"{name} {count(canary):,} to {count(stable):,}"
        for name, count in _OTHERS
        if count(canary) or count(stable)
    ]
    return [Text(f"canary to stable: {', '.join(named)}")] if named else []
