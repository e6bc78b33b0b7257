"""How the product begins a canary in these simulations."""

import math

from scipy.special import ndtr

from benchmarks.canary_verdict.traffic import SLOWNESS, Latency
from deploytool.canary.bound import PromotionBound
from deploytool.canary.latency import judged_bounds_s
from deploytool.canary.observation import ArmCounters
from deploytool.canary.policy import VerdictPolicy
from deploytool.canary.verdict import CanaryEvidence
from deploytool.system.policy import CanaryPolicy
from deploytool.traffic.metrics import DURATION_BUCKETS_S

ALPHA = 0.01
ALPHA_PROMOTION = 0.05
MEDIAN_S = 0.05
BASELINE_REQUESTS = 100_000


def started(
    weights: tuple[float, ...] = (0.1,),
    *,
    with_latency: bool = False,
    latency_ratio: float = 1.25,
    cluster_size: float = 1.0,
) -> CanaryEvidence:
    """Begin a canary; without latency, errors have all of alpha."""
    declared = CanaryPolicy(
        alpha=ALPHA,
        alpha_promotion=ALPHA_PROMOTION,
        tolerance=0.01,
        latency_ratio=latency_ratio,
        requests_failing_together=cluster_size,
    )
    policy = VerdictPolicy.of(declared).model_copy(update={"warm_up_polls": 0})
    baseline = ArmCounters(buckets=_buckets() if with_latency else ())
    start = CanaryEvidence.new(policy, tuple(round(100 * each) for each in weights), baseline)
    # Promotion is measured apart (promotion.py): here one tolerance, and not 43 each poll, will do.
    bound = PromotionBound.start(tolerances=(policy.tolerance,), rate=0, alpha=ALPHA_PROMOTION)
    return start.model_copy(update={"promotion": bound})


def latency(slower: float = 1.0, moves: bool = False) -> Latency:
    """Judge latency at the bounds that the product chooses for it."""
    return Latency(judged_bounds_s(ArmCounters(buckets=_buckets())), MEDIAN_S, slower, moves)


def _buckets() -> tuple[tuple[float, int], ...]:
    finite = [
        (bound_s, round(BASELINE_REQUESTS * float(ndtr(math.log(bound_s / MEDIAN_S) / SLOWNESS))))
        for bound_s in DURATION_BUCKETS_S
    ]
    return (*finite, (math.inf, BASELINE_REQUESTS))
