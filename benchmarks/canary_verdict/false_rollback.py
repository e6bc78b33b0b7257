"""How often a healthy canary is rolled back within 20,000 requests, at alpha 1 %.

The limit is 1.25 %: the level is used up, so chance alone would put half the scenarios over 1 %.
"""

from functools import partial

import numpy as np
from numpy.random import Generator

from benchmarks.canary_verdict import evidence
from benchmarks.canary_verdict.canaries import latency, started
from benchmarks.canary_verdict.lines import Line, Scenario, share
from benchmarks.canary_verdict.traffic import (
    RandomRouting,
    Rates,
    RoundRobin,
    Traffic,
    constant,
    spikes,
    walk,
)
from deploytool.canary.verdict import CanaryEvidence

MOST = 0.0125
STEPS = (0.05, 0.25, 0.5)


def scenarios() -> list[Scenario]:
    alone = partial(Scenario, "False rollback of 20,000 healthy requests, errors alone, kappa 10")
    rates: list[tuple[str, Rates, tuple[float, ...]]] = [
        ("constant 1 %", constant(0.01), (0.1,)),
        ("constant 0.1 %", constant(0.001), (0.1,)),
        ("constant 20 %", constant(0.2), (0.1,)),
        ("spikes 0.1 -> 20 %", spikes(0.001, 0.2), (0.1,)),
        ("random walk 0.05-30 %", walk(0.0005, 0.3), (0.1,)),
        ("weights 5/25/50 %, constant 1 %", constant(0.01), STEPS),
    ]
    found = [
        alone(
            f"{name}, polls of {poll}",
            partial(_healthy, started(weights), RandomRouting(rate, poll, weights=weights)),
        )
        for name, rate, weights in rates
        for poll in (20, 100, 500)
    ]
    found += [
        alone(
            f"round robin, traffic in a cycle of {cycle}, polls of 50",
            partial(_healthy, started(), RoundRobin(cycle)),
        )
        for cycle in (2, 5, 10, 20)
    ]
    found += [
        alone(
            f"clusters of {size} failures, declared so (kappa 4.65), constant 1 %",
            partial(
                _healthy,
                started(cluster_size=size),
                RandomRouting(constant(0.01), 100, cluster_size=size),
            ),
        )
        for size in (2, 5)
    ]
    whole = partial(Scenario, "The same with all that the product judges: errors 0.7, latency 0.3")
    found += [
        whole(
            f"{name}, latency t = {t:g}{', moving' if moves else ''}, polls of 100",
            partial(
                _healthy,
                started(weights, with_latency=True, latency_ratio=t),
                RandomRouting(rate, 100, weights=weights, latency=latency(moves=moves)),
            ),
        )
        for name, rate, weights, t, moves in (
            (*rates[0], 1.25, False),
            (*rates[3], 1.0, True),
            (*rates[5], 1.25, True),
        )
    ]
    return found


def _healthy(
    start: CanaryEvidence, traffic: Traffic, name: str, random: Generator, runs: int
) -> list[Line]:
    outcome = evidence.run(start, traffic, random, runs)
    rolled_back = np.isfinite(outcome.found[evidence.OURS])
    return [Line(name, share(rolled_back, MOST), outcome.off_by)]
