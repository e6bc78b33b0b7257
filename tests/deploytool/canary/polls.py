"""Made-up polls of two versions, and the evidence that takes them in."""

import math
from random import Random

from deploytool.canary.observation import ArmCounters, Observation, Reset
from deploytool.canary.policy import VerdictPolicy
from deploytool.canary.verdict import CanaryEvidence
from deploytool.system.policy import CanaryPolicy

BOUNDS = [*(0.005 * 2 ** (i / 2) for i in range(20)), math.inf]
POLICY = VerdictPolicy.of(
    CanaryPolicy(least_step_s=10, step_deadline_s=600, latency_floor_ms=0)
).model_copy(update={"warm_up_polls": 0})


def arm(
    requests: int, failed: int = 0, code: int = 500, latencies: list[float] | None = None
) -> ArmCounters:
    times = latencies if latencies is not None else [0.03] * requests
    return ArmCounters(
        requests={200: requests - failed, code: failed},
        buckets=tuple((bound, sum(time <= bound for time in times)) for bound in BOUNDS),
    )


def poll(canary: ArmCounters, stable: ArmCounters) -> Observation:
    return Observation(seconds=1, stable=stable, canary=canary)


HEALTHY = poll(arm(10), arm(90))
FAILING = poll(arm(10, failed=4, code=502), arm(90, failed=1))


def lognormal(random: Random, median_s: float, requests: int) -> ArmCounters:
    times = [random.lognormvariate(math.log(median_s), 0.6) for _ in range(requests)]
    return arm(requests, latencies=times)


def begun(
    weights: tuple[int, ...] = (10,),
    baseline: ArmCounters | None = None,
    policy: VerdictPolicy = POLICY,
) -> CanaryEvidence:
    return CanaryEvidence.new(policy, weights, arm(1000) if baseline is None else baseline)


def after(evidence: CanaryEvidence, *polls: Observation | Reset) -> CanaryEvidence:
    for each in polls:
        evidence = evidence.after(each)
    return evidence
