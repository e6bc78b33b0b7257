"""What a canary is judged by: errors, latency at several bounds, declared business metrics.

Each has a process of its own; their e-values are averaged by weight, never multiplied, as a mean
of e-values is one however the metrics depend on each other.
"""

from enum import StrEnum
from typing import Self

from deploytool.canary.evidence import RollbackProcess
from deploytool.canary.latency import COMPARABLE_LOAD, judged_bounds_s
from deploytool.canary.observation import ArmCounters, Frozen, Observation, Table
from deploytool.canary.policy import VerdictPolicy

RESERVE = 0.2
"""Cash kept back for later steps, if there are any: finds a late regression in half the time."""


class MetricKind(StrEnum):
    """What the hits of a metric are."""

    ERRORS = "errors"  # failed requests
    LATENCY = "latency"  # requests slower than a bound
    BUSINESS = "business"  # events of `per`, among these and those of `count`


class MetricEvidence(Frozen):
    """The process on one metric. name: what people call it. bound_s: of latency alone."""

    kind: MetricKind
    name: str
    bound_s: float | None = None
    process: RollbackProcess

    def table(self, observed: Observation, policy: VerdictPolicy) -> Table:
        """Count this metric's requests and hits."""
        if self.kind is MetricKind.ERRORS:
            return observed.errors(with_client_errors=policy.are_client_errors_counted)
        if self.bound_s is not None:
            return observed.slower_than(self.bound_s)
        return observed.events(self.name)

    def after(self, block: Observation, policy: VerdictPolicy) -> Self:
        """Take in one block; of latency, one in which the canary had no more to do than stable."""
        if self.kind is MetricKind.LATENCY and block.load_ratio > COMPARABLE_LOAD:
            return self
        return self._with(self.process.after(self.table(block, policy)))

    def invested(self, share: float) -> Self:
        """Move a share of the cash kept back to the bets."""
        return self._with(self.process.invested(share))

    def _with(self, process: RollbackProcess) -> Self:
        return self.model_copy(update={"process": process})


def judged_metrics(
    policy: VerdictPolicy, baseline: ArmCounters, steps: int
) -> tuple[MetricEvidence, ...]:
    """Choose the metrics and split alpha between them.

    Latency is judged only as far as the baseline shows stable's quantiles (latency.py says how
    many requests that takes); errors get what latency and business metrics leave.
    """
    bounds_s = judged_bounds_s(baseline)
    reserve = RESERVE if steps > 1 else 0.0
    business = policy.business_weight if policy.business else 0.0
    errors = (1 - business) * (policy.error_weight if bounds_s else 1.0)
    latency = 1 - business - errors

    def limit(weight: float) -> float:
        return 1 / (policy.alpha * weight)

    return (
        MetricEvidence(
            kind=MetricKind.ERRORS,
            name=MetricKind.ERRORS,
            process=RollbackProcess.start(
                # its bets lost least over rises from 1.75 to 60 times
                multiples=(2, 5, 20),
                prior=(1 / 4, 1 / 2, 1 / 4),
                limit=limit(errors),
                cap=policy.error_cap(limit(errors)),
                reserve=reserve,
            ),
        ),
        *(
            MetricEvidence(
                kind=MetricKind.LATENCY,
                name=MetricKind.LATENCY,
                bound_s=bound_s,
                process=_on_small_ratios(
                    limit(latency / len(bounds_s)), policy, policy.latency_ratio, reserve
                ),
            )
            for bound_s in bounds_s
        ),
        *(
            MetricEvidence(
                kind=MetricKind.BUSINESS,
                name=name,
                process=_on_small_ratios(
                    limit(business / len(policy.business)), policy, 1.0, reserve
                ),
            )
            for name in policy.business
        ),
    )


def _on_small_ratios(
    limit: float, policy: VerdictPolicy, tolerated: float, reserve: float
) -> RollbackProcess:
    return RollbackProcess.start(
        multiples=(1.6, 3, 8),
        prior=(1 / 3, 1 / 3, 1 / 3),
        limit=limit,
        cap=policy.cap,
        tolerated=tolerated,
        reserve=reserve,
    )
