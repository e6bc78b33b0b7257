"""Latency from bucket counts: quantiles to show, and the bounds that a canary is judged at."""

import math
from typing import NamedTuple

from deploytool.canary.observation import NOBODY_IS_LATE, ArmCounters

JUDGED_QUANTILES = (0.5, 0.75, 0.9, 0.99)
_LATE = 0.99
# The polls that are dropped at the beginning of a step take about so long.
_DROPPED_S = 2.0
MOST_GAP = 3.0
"""Largest odds ratio that is tolerated for the floor's sake: at more, another bound is sharper."""
REQUESTS_ABOVE = 10
"""A quantile is known well enough once this many requests lie above it."""
BASELINE_REQUESTS = 1000
"""Requests to stable before the canary that make every judged quantile known well enough."""

COMPARABLE_LOAD = 1.1
"""The load of each of the canary's processes, in that of one of stable's, up to which latencies are
compared: one that has more to do is slower for that alone."""


class LatencyBound(NamedTuple):
    """Where a canary is judged: its requests over canary_s against stable's over stable_s.

    tolerated: the odds ratio of the two that is no regression.
    """

    canary_s: float
    stable_s: float
    tolerated: float


def quantile_s(arm: ArmCounters, share: float) -> float | None:
    """Estimate a quantile (share 0-1) in seconds, linear within its bucket; None without requests.

    Beyond the last finite bound it is that bound: the least it can be.
    """
    rank = share * arm.timed
    lower_s, counted = 0.0, 0
    for bound_s, count in arm.buckets:
        if count and count >= rank:
            if bound_s == math.inf:
                return lower_s
            return lower_s + (bound_s - lower_s) * (rank - counted) / max(1, count - counted)
        lower_s, counted = bound_s, count
    return None


def judged_bounds(
    baseline: ArmCounters, floor_s: float, tolerated: float
) -> tuple[LatencyBound, ...]:
    """Choose the bucket bounds nearest to stable's quantiles before the canary, ascending.

    floor_s: a canary that is slower by no more than that is no regression. Where the baseline shows
    that so little changes the odds of a slow request by less than MOST_GAP, that change is
    tolerated as well; else slow for the canary is what is slower by floor_s than slow for stable. A
    canary no slower than stable has at most the odds 1 at all of them, whatever is chosen.

    Any bounds are valid as long as they stay fixed for the whole canary; these are the sharpest.
    Without enough requests before the canary there are fewer bounds, or none.
    """
    finite = [bound for bound, _ in baseline.buckets if bound != math.inf]
    sharpest: dict[float, LatencyBound] = {}
    for share in JUDGED_QUANTILES:
        quantile = quantile_s(baseline, share)
        if not (quantile and finite and _is_known(baseline, share)):
            continue
        stable_s = min(finite, key=lambda bound: abs(math.log(bound / quantile)))
        gap = _odds_slower(baseline, stable_s - floor_s) / _odds_slower(baseline, stable_s)
        if gap <= MOST_GAP:
            bound = LatencyBound(stable_s, stable_s, max(tolerated, gap))
        elif above := [each for each in finite if each >= stable_s + floor_s]:
            bound = LatencyBound(above[0], stable_s, tolerated)
        else:
            continue
        rival = sharpest.setdefault(bound.canary_s, bound)
        sharpest[bound.canary_s] = min(bound, rival, key=lambda each: _allowed(baseline, each))
    return tuple(sharpest[bound_s] for bound_s in sorted(sharpest))


def late_s(baseline: ArmCounters) -> float | None:
    """Return the bound above stable's p99 before the canary; None where that is not known.

    A client that gives up later than that had to wait longer than stable's requests take.
    """
    if not _is_known(baseline, _LATE):
        return None
    faster = _LATE * baseline.timed
    return next((b for b, count in baseline.buckets if count >= faster and b < math.inf), None)


def late_in_bound_s(late_s: float | None) -> float:
    """Return from which wait on a client that gives up failed for the bound of promotion.

    Where that is not known, nobody did: visitors without patience would be failures of both
    versions, and the bound out of reach.
    """
    return NOBODY_IS_LATE if late_s is None else late_s


def settle_s(baseline: ArmCounters) -> float:
    """Return for how long requests of before still end after the polls dropped at each step."""
    return max(0.0, (quantile_s(baseline, _LATE) or 0.0) - _DROPPED_S)


def _is_known(baseline: ArmCounters, share: float) -> bool:
    return round(baseline.timed * (1 - share), 6) >= REQUESTS_ABOVE


def _allowed(baseline: ArmCounters, bound: LatencyBound) -> float:
    """Return the odds of a slow request that the canary may have."""
    return bound.tolerated * _odds_slower(baseline, bound.stable_s)


def _odds_slower(baseline: ArmCounters, than_s: float) -> float:
    """Return the odds of a slower request, linear within its bucket; half a request is added."""
    lower_s, counted = 0.0, 0
    for bound_s, count in baseline.buckets:
        if than_s <= bound_s:
            part = max(0.0, than_s - lower_s) / (bound_s - lower_s)
            faster = counted + part * (count - counted)
            return (baseline.timed - faster + 0.5) / (faster + 0.5)
        lower_s, counted = bound_s, count
    raise AssertionError(than_s)  # the last bound is infinite
