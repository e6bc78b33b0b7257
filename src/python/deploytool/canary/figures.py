"""The numbers behind a verdict, as plain data: what the live view shows and the record keeps."""

import math
from collections import Counter

from pydantic import Field

from deploytool.canary.failure import failure_kind, is_client_error, is_redirect
from deploytool.canary.interval import rate_interval
from deploytool.canary.latency import quantile_s
from deploytool.canary.metric import MetricEvidence, MetricKind
from deploytool.canary.observation import NO_TABLE, ArmCounters, Frozen, Observation, Table
from deploytool.canary.share import ShareEvidence

_LARGEST = 700.0
"""Logarithm of the largest number that is written out."""


class ArmFigures(Frozen):
    """One arm in one period; rates are fractions, None where there were no requests.

    gave_up_late: clients that gave up after waiting longer than stable's requests took before the
    canary: failures, and among errors. gave_up_soon: the others that did: neither, and no requests.
    Where nobody knows how long those took, `Figures` says which they are.
    """

    requests: int
    errors: int
    errors_by_code: dict[int, int]
    errors_by_kind: dict[str, int]
    error_rate: float | None
    client_errors_by_code: dict[int, int] = Field(default={})
    redirects_by_code: dict[int, int] = Field(default={})
    gave_up_late: int = 0
    gave_up_soon: int = 0
    p50_s: float | None
    p90_s: float | None
    p99_s: float | None

    @classmethod
    def of(cls, arm: ArmCounters, late_s: float | None) -> "ArmFigures":
        """Read the figures off the counts.

        late_s: a client that gave up later met a failure; None: each did.
        """
        by_code = arm.failures(late_s)
        by_kind: Counter[str] = Counter()
        for code, count in by_code.items():
            by_kind[str(failure_kind(code))] += count
        errors = by_kind.total()
        requests = arm.judged(late_s)
        return cls(
            requests=requests,
            errors=errors,
            errors_by_code=by_code,
            errors_by_kind=dict(by_kind),
            error_rate=errors / requests if requests else None,
            client_errors_by_code=arm.by_code(is_client_error),
            redirects_by_code=arm.by_code(is_redirect),
            gave_up_late=arm.gave_up_late(late_s),
            gave_up_soon=arm.gave_up_soon(late_s),
            p50_s=quantile_s(arm, 0.5),
            p90_s=quantile_s(arm, 0.9),
            p99_s=quantile_s(arm, 0.99),
        )

    @property
    def client_errors(self) -> int:
        """Answers 4xx."""
        return sum(self.client_errors_by_code.values())

    @property
    def redirects(self) -> int:
        """Answers that send the client elsewhere."""
        return sum(self.redirects_by_code.values())


class Arms(Frozen):
    """Both arms in the same period."""

    stable: ArmFigures
    canary: ArmFigures

    @classmethod
    def of(cls, observed: Observation, late_s: float | None) -> "Arms":
        """Read both arms' figures off the counts. late_s: as in `ArmFigures.of`."""
        stable, canary = (ArmFigures.of(arm, late_s) for arm in (observed.stable, observed.canary))
        return cls(stable=stable, canary=canary)


class MetricFigures(Frozen):
    """The evidence in one metric, and what it rests on: its counts since the canary began.

    metric: its name. Of a business metric, hits are events of `per` and requests events of both
    kinds. bound_s, stable_bound_s: latency only, what counts as slow for the canary and for stable.
    e_value: already weighted, so that the metrics add up to the evidence as a whole. The intervals
    hold the rates of hits with 95 %, at every look.
    """

    kind: MetricKind
    metric: str
    bound_s: float | None
    stable_bound_s: float | None
    e_value: float
    canary_requests: int
    canary_hits: int
    canary_interval: tuple[float, float]
    stable_requests: int
    stable_hits: int
    stable_interval: tuple[float, float]

    @classmethod
    def of(cls, metric: MetricEvidence, e_value: float) -> "MetricFigures":
        """Lay out the counts of both arms."""
        table = metric.counted
        return cls(
            kind=metric.kind,
            metric=metric.name,
            bound_s=metric.bound_s,
            stable_bound_s=metric.stable_bound_s,
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
        return self.kind is MetricKind.BUSINESS


class ShareFigures(Frozen):
    """The canary's share (0-1) of the requests: what was set, and what ended.

    e_value: against their being the same; at e_limit the canary is not passed.
    """

    set_share: float
    observed: float
    canary_requests: int
    requests: int
    e_value: float
    e_limit: float

    @classmethod
    def of(cls, evidence: ShareEvidence) -> "ShareFigures | None":
        """Lay out the evidence; None while nothing is known."""
        if evidence.share is None or not evidence.requests:
            return None
        return cls(
            set_share=evidence.share,
            observed=evidence.canary / evidence.requests,
            canary_requests=evidence.canary,
            requests=evidence.requests,
            e_value=math.exp(min(evidence.log_e, _LARGEST)),
            e_limit=evidence.limit,
        )


class Figures(Frozen):
    """All the evidence at one moment; counts are of judged blocks only.

    step: 0-based. e_value rolls back at e_limit. upper_bound: how much more often the canary may
    still fail than stable, as a fraction (1: nothing known); the step is passed at gate.
    canary_requests_needed: at this step in all, for the gate; None if this canary never gets there.
    canary_per_s: its requests a second at this step; None before anything was counted. late_s: from
    which waiting time on a client that gives up met a failure; None: not known: each counts as
    failed in_total, as in the evidence, and none at_step, as in the bound. left_out: counts of the
    blocks at this step in which stable was out, in no bound. share: None where none was set.
    silent: business metrics without an event at the canary, though so many were to be expected.
    better: where the canary is surely better than stable.
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
    canary_per_s: float | None = None
    late_s: float | None = None
    left_out: Table = NO_TABLE
    share: ShareFigures | None = None
    silent: dict[str, int] = Field(default={})
    better: tuple[MetricKind, ...] = ()
    metrics: tuple[MetricFigures, ...]
    at_step: Arms
    in_total: Arms
    pending_requests: int
    dropped_polls: int
    load_ratio: float = 1.0
