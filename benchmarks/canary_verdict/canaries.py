"""How the product begins a canary in these simulations."""

import math
from collections.abc import Mapping, Sequence

from scipy.special import ndtr

from benchmarks.canary_verdict.latency import SLOWNESS, Latency
from benchmarks.canary_verdict.traffic import Answers
from deploytool.canary.bound import PromotionBound
from deploytool.canary.observation import ArmCounters
from deploytool.canary.policy import VerdictPolicy
from deploytool.canary.verdict import CanaryEvidence
from deploytool.system.policy import CanaryPolicy
from deploytool.traffic.metrics import DURATION_BUCKETS_S

ALPHA = 0.01
ALPHA_PROMOTION = 0.05
MEDIAN_S = 0.05
FLOOR_MS = 25.0
NOW: Mapping[str, object] = {}
BEFORE: Mapping[str, object] = {
    "latency_weight": 0.3,
    "client_errors": "ignore",
    "redirect_weight": 1e-9,
}
"""How alpha was shared out before client errors and redirects had a part of it: the settings of a
`VerdictPolicy` that differ."""
BASELINE_REQUESTS = 100_000


def started(
    weights: tuple[float, ...] = (0.1,),
    *,
    median_s: float | None = None,
    latency_ratio: float = 1.25,
    latency_floor_ms: float = 0.0,
    cluster_size: float = 1.0,
    settings: Mapping[str, object] = NOW,
) -> CanaryEvidence:
    """Begin a canary. median_s: of stable's latency before it; None: latency is not judged.

    latency_floor_ms: low, unless the floor is what is measured. settings: of the
    policy, that differ from what is declared.
    """
    declared = CanaryPolicy(
        alpha=ALPHA,
        alpha_promotion=ALPHA_PROMOTION,
        tolerance=0.01,
        latency_ratio=latency_ratio,
        latency_floor_ms=latency_floor_ms,
        requests_failing_together=cluster_size,
    )
    policy = VerdictPolicy.of(declared).model_copy(update={"warm_up_polls": 0, **settings})
    baseline = ArmCounters(buckets=_buckets(median_s) if median_s else ())
    start = CanaryEvidence.new(policy, tuple(round(100 * each) for each in weights), baseline)
    # Promotion is measured apart (promotion.py): here one tolerance, and not 43 each poll, will do.
    bound = PromotionBound.start(tolerances=(policy.tolerance,), rate=0, alpha=ALPHA_PROMOTION)
    return start.model_copy(update={"promotion": bound})


def settings_for(others: Sequence[Answers]) -> Mapping[str, object]:
    """Return the settings with which these are judged: wrong ones only where somebody looks."""
    return {"are_answers_checked": any(each.kind == "wrong" for each in others)}


def latency(
    start: CanaryEvidence,
    median_s: float = MEDIAN_S,
    *,
    slower: float = 1.0,
    moves: bool = False,
    luck: tuple[tuple[float, float], ...] = (),
) -> Latency:
    """Judge latency at the bounds that the product has chosen for it."""
    bounds_s = tuple(
        (metric.bound_s, metric.stable_bound_s)
        for metric in start.metrics
        if metric.bound_s and metric.stable_bound_s
    )
    return Latency(bounds_s, median_s, slower, moves, luck)


def _buckets(median_s: float) -> tuple[tuple[float, int], ...]:
    finite = [
        (bound_s, round(BASELINE_REQUESTS * float(ndtr(math.log(bound_s / median_s) / SLOWNESS))))
        for bound_s in DURATION_BUCKETS_S
    ]
    return (*finite, (math.inf, BASELINE_REQUESTS))
