"""Latency from bucket counts: quantiles to show, and the bounds that a canary is judged at."""

import math

from deploytool.canary.observation import ArmCounters

JUDGED_QUANTILES = (0.5, 0.75, 0.9, 0.99)
REQUESTS_ABOVE = 10
"""A quantile is known well enough once this many requests lie above it."""
BASELINE_REQUESTS = 1000
"""Requests to stable before the canary that make every judged quantile known well enough."""

COMPARABLE_LOAD = 1.1
"""The load of each of the canary's processes, in that of one of stable's, up to which latencies are
compared: one that has more to do is slower for that alone."""


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


def judged_bounds_s(baseline: ArmCounters) -> tuple[float, ...]:
    """Choose the bucket bounds nearest to stable's quantiles before the canary, ascending.

    Any bounds are valid as long as they stay fixed for the whole canary; these are the sharpest.
    Without enough requests before the canary there are fewer bounds, or none.
    """
    finite = [bound for bound, _ in baseline.buckets if bound != math.inf]
    chosen = set()
    for share in JUDGED_QUANTILES:
        quantile = quantile_s(baseline, share)
        is_known = round(baseline.timed * (1 - share), 6) >= REQUESTS_ABOVE
        if quantile and finite and is_known:
            chosen.add(min(finite, key=lambda bound: abs(math.log(bound / quantile))))
    return tuple(sorted(chosen))
