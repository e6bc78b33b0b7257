"""What a canary is judged by: errors, latency at several bounds, other answers, declared metrics.

Each has a process of its own; their e-values are averaged by weight, never multiplied, as a mean
of e-values is one however the metrics depend on each other.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Self

from deploytool.canary.evidence import RollbackProcess
from deploytool.canary.latency import COMPARABLE_LOAD, judged_bounds
from deploytool.canary.observation import NO_TABLE, ArmCounters, Frozen, Observation, Table
from deploytool.canary.policy import VerdictPolicy

RESERVE = 0.2
"""Cash kept back for later steps, if there are any: finds a late regression in half the time."""
TOLERATED = 1.25
"""Odds ratio of client errors and redirects that is no regression: visitors send some anyway."""


class MetricKind(StrEnum):
    """What the hits of a metric are; the name of the metric too, but for business metrics."""

    ERRORS = "errors"  # failed requests
    LATENCY = "latency"  # requests slower than a bound
    CLIENT_ERRORS = "client errors"  # answers 4xx
    REDIRECTS = "redirects"  # answers 3xx, among these and those 2xx
    EXPECTATIONS = "answers as expected"  # answers that were not, to the tool's own load
    BUSINESS = "business"  # events of `per`, among these and those of `count`


class MetricEvidence(Frozen):
    """The process on one metric. name: what people call it.

    bound_s: of latency alone, what is slow for the canary; stable_bound_s: for stable. counted: in
    all blocks that were taken in.
    """

    kind: MetricKind
    name: str
    bound_s: float | None = None
    stable_bound_s: float | None = None
    process: RollbackProcess
    counted: Table = NO_TABLE

    def table(self, observed: Observation, late_s: float | None) -> Table:
        """Count this metric's requests and hits. late_s: who gives up later met a failure."""
        match self.kind:
            case MetricKind.ERRORS:
                return observed.errors(late_s)
            case MetricKind.LATENCY:
                assert self.bound_s is not None
                return observed.slower_than(self.bound_s, self.stable_bound_s)
            case MetricKind.CLIENT_ERRORS:
                return observed.client_errors()
            case MetricKind.REDIRECTS:
                return observed.redirects()
            case MetricKind.EXPECTATIONS:
                return observed.unexpected()
            case MetricKind.BUSINESS:
                return observed.events(self.name)

    def after(self, block: Observation, late_s: float | None) -> Self:
        """Take in one block; of latency, one in which the canary had no more to do than stable."""
        if self.kind is MetricKind.LATENCY and block.load_ratio > COMPARABLE_LOAD:
            return self
        table = self.table(block, late_s)
        taken = {"process": self.process.after(table), "counted": self.counted.plus(table)}
        return self.model_copy(update=taken)

    def invested(self, share: float) -> Self:
        """Move a share of the cash kept back to the bets."""
        return self.model_copy(update={"process": self.process.invested(share)})


def judged_metrics(
    policy: VerdictPolicy, baseline: ArmCounters, steps: int
) -> tuple[MetricEvidence, ...]:
    """Choose the metrics and split alpha between them.

    Latency is judged only as far as the baseline shows stable's quantiles (latency.py says how
    many requests that takes); errors get what the others leave.
    """
    reserve = RESERVE if steps > 1 else 0.0
    others = tuple(_others(policy, baseline, reserve))
    errors = 1 / (policy.alpha - sum(1 / each.process.limit for each in others))
    return (
        MetricEvidence(
            kind=MetricKind.ERRORS,
            name=MetricKind.ERRORS,
            process=_on_large_ratios(errors, policy.error_cap(errors), reserve),
        ),
        *others,
    )


def _others(
    policy: VerdictPolicy, baseline: ArmCounters, reserve: float
) -> Iterator[MetricEvidence]:
    business = policy.business_weight if policy.business else 0.0
    answers = policy.answer_weight if policy.are_answers_checked else 0.0
    left = 1 - business - answers
    bounds = judged_bounds(baseline, policy.latency_floor_s, policy.latency_ratio)

    def limit(weight: float) -> float:
        return 1 / (policy.alpha * weight)

    def on_small_ratios(weight: float, tolerated: float) -> RollbackProcess:
        return RollbackProcess.start(
            multiples=(1.6, 3, 8),
            prior=(1 / 3, 1 / 3, 1 / 3),
            limit=limit(weight),
            cap=policy.cap,
            tolerated=tolerated,
            reserve=reserve,
        )

    for bound in bounds:
        yield MetricEvidence(
            kind=MetricKind.LATENCY,
            name=MetricKind.LATENCY,
            bound_s=bound.canary_s,
            stable_bound_s=bound.stable_s,
            process=on_small_ratios(left * policy.latency_weight / len(bounds), bound.tolerated),
        )
    if policy.client_errors == "judge":
        yield MetricEvidence(
            kind=MetricKind.CLIENT_ERRORS,
            name=MetricKind.CLIENT_ERRORS,
            process=on_small_ratios(left * policy.client_error_weight, TOLERATED),
        )
    yield MetricEvidence(
        kind=MetricKind.REDIRECTS,
        name=MetricKind.REDIRECTS,
        process=on_small_ratios(left * policy.redirect_weight, TOLERATED),
    )
    if policy.are_answers_checked:
        yield MetricEvidence(
            kind=MetricKind.EXPECTATIONS,
            name=MetricKind.EXPECTATIONS,
            process=_on_large_ratios(limit(answers), policy.cap, reserve),
        )
    for name in policy.business:
        yield MetricEvidence(
            kind=MetricKind.BUSINESS,
            name=name,
            process=on_small_ratios(business / len(policy.business), 1.0),
        )


def _on_large_ratios(limit: float, cap: float, reserve: float) -> RollbackProcess:
    return RollbackProcess.start(
        # these bets lost least over rises from 1.75 to 60 times
        multiples=(2, 5, 20),
        prior=(1 / 4, 1 / 2, 1 / 4),
        limit=limit,
        cap=cap,
        reserve=reserve,
    )
