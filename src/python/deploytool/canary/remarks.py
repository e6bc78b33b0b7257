"""Remarks that a verdict adds to its sentence, where the figures say more."""

from collections.abc import Iterator

from deploytool.canary.figures import Figures
from deploytool.canary.latency import COMPARABLE_LOAD
from deploytool.canary.metric import MetricKind
from deploytool.canary.words import duration

_ALIKE = 0.5
"""Both versions fail alike where neither fails less than half as often as the other."""
_BETTER = {
    MetricKind.ERRORS: "the canary fails less often than stable",
    MetricKind.LATENCY: "the canary is faster than stable",
}


def remarks(figures: Figures) -> str:
    """Return all there is to add, each after a semicolon."""
    found = (*_outage(figures), *_overload(figures), *_given_up(figures), *_better(figures))
    return "".join(f"; {each}" for each in found)


def _outage(figures: Figures) -> Iterator[str]:
    n_c, x_c, n_s, x_s = figures.left_out
    if not n_s:
        return
    counts = f"{x_c:,} of {n_c:,} canary requests, {x_s:,} of {n_s:,} stable requests"
    canary, stable = x_c * n_s, x_s * n_c
    if min(canary, stable) >= _ALIKE * max(canary, stable):
        yield f"both versions failed alike for a while ({counts}), which speaks for neither"
    elif canary < stable:
        yield f"stable was out for a while ({counts}), which says nothing of the canary"
    else:
        yield f"left out of the bound, as stable was out: {counts}"


def _overload(figures: Figures) -> Iterator[str]:
    if figures.load_ratio > COMPARABLE_LOAD:
        yield (
            f"the canary's processes carried {figures.load_ratio:.1f} times the load of stable's:"
            " latency was not judged meanwhile"
        )


def _given_up(figures: Figures) -> Iterator[str]:
    canary, stable = figures.in_total.canary, figures.in_total.stable
    if not any(n for arm in (canary, stable) for n in (arm.gave_up_late, arm.gave_up_soon)):
        return
    if figures.late_s is None:
        yield (
            f"clients gave up ({canary.gave_up_late:,} of the canary's, {stable.gave_up_late:,} of"
            " stable's): as nobody knows how long stable's requests take, each counts as failed in"
            " the evidence, and none in the bound"
        )
    else:
        yield (
            f"clients gave up: after more than {duration(figures.late_s)}, which counts as failed,"
            f" {canary.gave_up_late:,} of the canary's and {stable.gave_up_late:,} of stable's;"
            f" sooner, which counts as neither, {canary.gave_up_soon:,} and {stable.gave_up_soon:,}"
        )


def _better(figures: Figures) -> Iterator[str]:
    yield from (_BETTER[kind] for kind in figures.better)
