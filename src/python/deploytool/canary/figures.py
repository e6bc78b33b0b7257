"""The numbers behind a verdict, as plain data: what the live view shows and the record keeps."""

from collections import Counter

from deploytool.canary.failure import failure_kind
from deploytool.canary.interval import rate_interval
from deploytool.canary.latency import quantile_s
from deploytool.canary.observation import ArmCounters, Frozen, Table


class ArmFigures(Frozen):
    """One arm in one period; rates are fractions, None where there were no requests."""

    requests: int
    errors: int
    errors_by_code: dict[int, int]
    errors_by_kind: dict[str, int]
    error_rate: float | None
    p50_s: float | None
    p90_s: float | None
    p99_s: float | None

    @classmethod
    def of(cls, arm: ArmCounters, *, with_client_errors: bool = False) -> "ArmFigures":
        """Read the figures off the counts."""
        by_code = arm.failures(with_client_errors=with_client_errors)
        by_kind: Counter[str] = Counter()
        for code, count in by_code.items():
            by_kind[str(failure_kind(code))] += count
        errors = by_kind.total()
        return cls(
            requests=arm.answered,
            errors=errors,
            errors_by_code=by_code,
            errors_by_kind=dict(by_kind),
            error_rate=errors / arm.answered if arm.answered else None,
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

    metric: "errors", "latency" or the name of a business metric; of that one, hits are events of
    `per` and requests events of both kinds. bound_s: latency only, what counts as slow. e_value:
    already weighted, so that the metrics add up to the evidence as a whole. The intervals hold the
    rates of hits with 95 %, at every look.
    """

    metric: str
    bound_s: float | None
    e_value: float
    canary_requests: int
    canary_hits: int
    canary_interval: tuple[float, float]
    stable_requests: int
    stable_hits: int
    stable_interval: tuple[float, float]

    @classmethod
    def of(
        cls, metric: str, bound_s: float | None, e_value: float, table: Table
    ) -> "MetricFigures":
        """Lay out the counts of both arms."""
        return cls(
            metric=metric,
            bound_s=bound_s,
            e_value=e_value,
            canary_requests=table.n_c,
            canary_hits=table.x_c,
            canary_interval=rate_interval(table.x_c, table.n_c),
            stable_requests=table.n_s,
            stable_hits=table.x_s,
            stable_interval=rate_interval(table.x_s, table.n_s),
        )

    @property
    def is_business(self) -> bool:
        """Whether hits are events that the backends counted, not requests."""
        return self.metric not in {"errors", "latency"}


class Figures(Frozen):
    """All the evidence at one moment; counts are of judged blocks only.

    step: 0-based. e_value rolls back at e_limit. upper_bound: how much more often the canary may
    still fail than stable, as a fraction (1: nothing known); the step is passed at gate.
    canary_requests_needed: at this step in all, for the gate; None if this canary never gets there.
    pending_requests: waiting to fill a block. metrics: the heaviest evidence first. load_ratio: see
    Snapshot; the greatest of this step.
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
    load_ratio: float = 1.0
