"""The numbers behind a verdict, as plain data: what the live view shows and the record keeps."""

from deploytool.canary.latency import quantile_s
from deploytool.canary.observation import ArmCounters, Frozen


class ArmFigures(Frozen):
    """One arm in one period; rates are fractions, None where there were no requests."""

    requests: int
    errors: int
    errors_by_code: dict[int, int]
    error_rate: float | None
    p50_s: float | None
    p90_s: float | None
    p99_s: float | None

    @classmethod
    def of(cls, arm: ArmCounters) -> "ArmFigures":
        """Read the figures off the counts."""
        return cls(
            requests=arm.answered,
            errors=arm.failed,
            errors_by_code=arm.failures,
            error_rate=arm.failed / arm.answered if arm.answered else None,
            p50_s=quantile_s(arm, 0.5),
            p90_s=quantile_s(arm, 0.9),
            p99_s=quantile_s(arm, 0.99),
        )


class Arms(Frozen):
    """Both arms in the same period."""

    stable: ArmFigures
    canary: ArmFigures


class MetricFigures(Frozen):
    """The evidence in one metric, and its counts since the canary began.

    metric: "errors" or "latency". bound_s: latency only, what counts as slow. e_value: already
    weighted, so that the metrics add up to the evidence as a whole.
    """

    metric: str
    bound_s: float | None
    e_value: float
    canary_requests: int
    canary_hits: int
    stable_requests: int
    stable_hits: int


class Figures(Frozen):
    """All the evidence at one moment; counts are of judged blocks only.

    step: 0-based. e_value rolls back at e_limit. upper_bound: how much more often the canary may
    still fail than stable, as a fraction (1: nothing known); the step is passed at gate.
    canary_requests_needed: at this step in all, for the gate; None if this canary never gets there.
    pending_requests: waiting to fill a block. metrics: the heaviest evidence first.
    """

    step: int
    weights_percent: tuple[int, ...]
    e_value: float
    e_limit: float
    upper_bound: float
    gate: float
    canary_requests_needed: int | None
    metrics: tuple[MetricFigures, ...]
    at_step: Arms
    in_total: Arms
    pending_requests: int
    dropped_polls: int
