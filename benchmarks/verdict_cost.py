"""What one poll costs the verdict: taking it in, judging it, and writing the state as JSON.

Prints microseconds of processor time a poll after 10^3, 10^5 and 10^7 requests seen, then for polls
of 100 to 50,000 requests, each also as a ratio to an anchor of the same moment: json.loads and
json.dumps of the same state. Then how far log e is off after 10^7 requests in polls of 100, from a
sum of exact integers' logs. Errors (1 %) and latency at four bounds are judged at 10 %, in the
buckets of the router. Fails when a poll after 10^7 requests costs half as much again as one after
10^3, or when log e is off by more than 1e-6.

    PYTHONPATH=src/python python -m benchmarks.verdict_cost
"""

import json
import math
import sys
import time
from collections.abc import Callable
from functools import cache
from random import Random
from statistics import NormalDist

from deploytool.canary.evidence import RollbackProcess
from deploytool.canary.observation import ArmCounters, Observation, Table
from deploytool.canary.policy import VerdictPolicy
from deploytool.canary.verdict import CanaryEvidence
from deploytool.system.policy import CanaryPolicy
from deploytool.traffic.metrics import DURATION_BUCKETS_S

SEEN = (10**3, 10**5, 10**7)
POLLS = (100, 1_000, 10_000, 50_000)
MOST_GROWTH = 1.5
MOST_DRIFT = 1e-6
DRIFT_REQUESTS = 10**7
MEDIAN_S, SIGMA = 0.05, 0.6


def arm(requests: int) -> ArmCounters:
    """Count requests of which 1 % fail, lognormal, without chance: all alike."""
    failed = round(requests / 100)
    latency_s = NormalDist(math.log(MEDIAN_S), SIGMA)  # of its logarithm
    buckets = [
        (bound_s, round(requests * latency_s.cdf(math.log(bound_s))))
        for bound_s in DURATION_BUCKETS_S
    ]
    return ArmCounters(
        requests={200: requests - failed, 500: failed}, buckets=(*buckets, (math.inf, requests))
    )


def poll(requests: int) -> Observation:
    return Observation(seconds=1, canary=arm(requests // 10), stable=arm(requests * 9 // 10))


def started() -> CanaryEvidence:
    policy = VerdictPolicy.of(CanaryPolicy()).model_copy(update={"warm_up_polls": 0})
    return CanaryEvidence.new(policy, (10, 25, 50), arm(100_000))


def after_requests(requests: int) -> CanaryEvidence:
    """Take in so many requests, in at most 100 polls."""
    evidence = started()
    polls = min(100, requests // 100)
    for _ in range(polls):
        evidence = evidence.after(poll(requests // polls))
    return evidence


def microseconds(action: Callable[[], object], seconds: float = 1.0) -> float:
    """Return the processor time of one call: the best of five rounds."""
    began = time.process_time()
    action()
    calls = max(1, int(seconds / 5 / max(1e-6, time.process_time() - began)))
    best = math.inf
    for _ in range(5):
        began = time.process_time()
        for _ in range(calls):
            action()
        best = min(best, (time.process_time() - began) / calls)
    return best * 1e6


def cost(evidence: CanaryEvidence, requests: int) -> tuple[float, float]:
    """Return the microseconds of one poll, and how many anchors that is."""
    observed = poll(requests)
    state = evidence.model_dump_json()
    anchor = microseconds(lambda: json.dumps(json.loads(state)))

    def one_poll() -> str:
        after = evidence.after(observed)
        after.judge(0, 1.0)
        return after.model_dump_json()

    taken = microseconds(one_poll)
    return taken, taken / anchor


@cache
def log_ways(n_c: int, n_s: int, hits: int, odds: int) -> float:
    """Return the log of the exact number of ways, weighted by the odds."""
    outcomes = range(max(0, hits - n_s), min(hits, n_c) + 1)
    return math.log(sum(math.comb(n_c, x) * math.comb(n_s, hits - x) * odds**x for x in outcomes))


def drift(requests: int) -> tuple[float, float]:
    """Return log e of the product after polls of 100, and how far it is off.

    Without a cap each bet's capital has a closed form, whose terms are added up without rounding.
    """
    random = Random(1)
    bets = {2: 0.25, 5: 0.5, 20: 0.25}
    process = RollbackProcess.start(multiples=list(bets), prior=list(bets.values()), limit=math.inf)
    terms = {odds: [math.log(share)] for odds, share in bets.items()}
    for _ in range(requests // 100):
        n_c = sum(random.random() < 0.1 for _ in range(100))
        x_c = sum(random.random() < 0.01 for _ in range(n_c))
        x_s = sum(random.random() < 0.01 for _ in range(100 - n_c))
        process = process.after(Table(n_c, x_c, 100 - n_c, x_s))
        null = log_ways(n_c, 100 - n_c, x_c + x_s, 1)
        for odds, of_bet in terms.items():
            tilted = log_ways(n_c, 100 - n_c, x_c + x_s, odds)
            of_bet.extend((x_c * math.log(odds), null, -tilted))
    exact = [math.fsum(of_bet) for of_bet in terms.values()]
    highest = max(exact)
    log_e = highest + math.log(math.fsum(math.exp(each - highest) for each in exact))
    return process.log_e, abs(process.log_e - log_e)


def main() -> int:
    print("a poll of 100 requests      us a poll   x json.loads + dumps of the state")
    costs = []
    for seen in SEEN:
        taken, ratio = cost(after_requests(seen), 100)
        costs.append(taken)
        print(f"  after {seen:>10,} requests {taken:10.0f} {ratio:10.1f}")
    growth = costs[-1] / costs[0]
    print(f"  growth {growth:.2f} (limit {MOST_GROWTH})")
    print("after 100,000 requests")
    evidence = after_requests(10**5)
    for requests in POLLS:
        taken, ratio = cost(evidence, requests)
        print(f"  a poll of {requests:>6,} requests {taken:10.0f} {ratio:10.1f}")
    log_e, off_by = drift(DRIFT_REQUESTS)
    print(f"log e after {DRIFT_REQUESTS:,} requests in polls of 100: {log_e:.6f}")
    print(f"  off by {off_by:.1e} (limit {MOST_DRIFT:.0e})")
    return 0 if growth < MOST_GROWTH and off_by < MOST_DRIFT else 1


if __name__ == "__main__":
    sys.exit(main())
