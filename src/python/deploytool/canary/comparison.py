"""Findings from the counts of both versions, beside the evidence that grows block by block."""

import math
from collections.abc import Iterable

from deploytool.canary.interval import rate_interval
from deploytool.canary.metric import MetricEvidence, MetricKind
from deploytool.canary.observation import Observation
from deploytool.canary.policy import VerdictPolicy


def silent_metrics(observed: Observation, policy: VerdictPolicy) -> dict[str, int]:
    """Return the business metrics of which the canary has no event, and how many it should have.

    An event of a healthy canary falls on stable with the chance that a request does. So all events
    fall on stable with a chance of at most alpha, at any one look.
    """
    canary, stable = observed.canary.ended, observed.stable.ended
    enough = -math.log(policy.alpha) * policy.clusters
    if not stable:
        return {}
    tables = {name: observed.events(name) for name in policy.business}
    return {
        name: round(table.n_s * canary / stable)
        for name, table in tables.items()
        if not table.n_c and table.n_s * math.log1p(canary / stable) >= enough
    }


def better_metrics(
    observed: Observation, metrics: Iterable[MetricEvidence], late_s: float | None
) -> tuple[MetricKind, ...]:
    """Return in what the canary is surely better: the intervals of the two rates are apart.

    late_s: who gives up later met a failure. Requests are slow here from the same bound on for both
    versions: nothing is allowed for.
    """
    tables = [(MetricKind.ERRORS, observed.errors(late_s))]
    tables += [
        (metric.kind, observed.slower_than(metric.stable_bound_s))
        for metric in metrics
        if metric.stable_bound_s is not None
    ]
    found = (
        kind
        for kind, table in tables
        if rate_interval(table.x_c, table.n_c)[1] < rate_interval(table.x_s, table.n_s)[0]
    )
    return tuple(dict.fromkeys(found))
