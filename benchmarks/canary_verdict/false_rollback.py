"""How often a healthy canary is rolled back within 20,000 requests, at alpha 1 %.

The limit is 1.25 %: the level is used up, so chance alone would put half the scenarios over 1 %.
Beside it how often the test of the canary's share would hold one though no request is missing.
"""

from functools import partial
from itertools import product

import numpy as np
from numpy.random import Generator

from benchmarks.canary_verdict import evidence
from benchmarks.canary_verdict.canaries import FLOOR_MS, MEDIAN_S, latency, settings_for, started
from benchmarks.canary_verdict.lines import Line, Scenario, share
from benchmarks.canary_verdict.rates import Rates, constant, spikes, walk
from benchmarks.canary_verdict.traffic import Answers, RandomRouting, RoundRobin, Traffic
from deploytool.canary.verdict import CanaryEvidence

MOST = 0.0125
STEPS = (0.05, 0.25, 0.5)

RATES: dict[str, tuple[Rates, tuple[float, ...]]] = {
    "constant 1 %": (constant(0.01), (0.1,)),
    "constant 0.1 %": (constant(0.001), (0.1,)),
    "constant 20 %": (constant(0.2), (0.1,)),
    "spikes 0.1 -> 20 %": (spikes(0.001, 0.2), (0.1,)),
    "random walk 0.05-30 %": (walk(0.0005, 0.3), (0.1,)),
    "weights 5/25/50 %, constant 1 %": (constant(0.01), STEPS),
}
"""By name, the rate of failures and the weights."""
OTHERS: dict[str, tuple[Answers, ...]] = {
    "4xx, constant 5 %": (Answers("client_errors", constant(0.05)),),
    "4xx, random walk 0.1-60 %": (Answers("client_errors", walk(0.001, 0.6)),),
    "redirects, spikes 1 -> 40 %": (Answers("redirects", spikes(0.01, 0.4)),),
    "give-ups, 3 % late and 3 % soon": (
        Answers("late", constant(0.03)),
        Answers("soon", constant(0.03)),
    ),
    "give-ups in spikes 0.1 -> 30 %": (
        Answers("late", spikes(0.001, 0.3)),
        Answers("soon", spikes(0.001, 0.3)),
    ),
    "not as expected, constant 5 %": (Answers("wrong", constant(0.05)),),
    "all of it": (
        Answers("client_errors", walk(0.001, 0.6)),
        Answers("redirects", spikes(0.01, 0.4)),
        Answers("late", spikes(0.001, 0.3)),
        Answers("soon", constant(0.03)),
        Answers("wrong", spikes(0.001, 0.2)),
    ),
}
"""Answers that both versions give alike, beside 1 % of failures."""
LUCKY_STEPS = (0.1, 0.5)
LUCK = ((1.1, 1.6), (1.0, 1.4))
"""Odds of a request over 5 ms at these weights: docs/canary.md, "One process' luck"."""
BUSY_LUCK = ((1.1, 3.0), (1.0, 3.0))
"""The same on a busier machine: an identical canary was seen at odds of 3."""
FAST_S = (0.003, 0.005)
"""Medians of services in which a few milliseconds can be seen."""


def scenarios() -> list[Scenario]:
    return [*_errors_alone(), *_all_judged(), *_other_answers(), *_process_effects()]


def _errors_alone() -> list[Scenario]:
    alone = partial(Scenario, "False rollback of 20,000 healthy requests, latency not known")
    found = [
        alone(
            f"{name}, polls of {poll}",
            partial(_healthy, started(weights), RandomRouting(rate, poll, weights=weights)),
        )
        for name, (rate, weights) in RATES.items()
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
    return found


def _all_judged() -> list[Scenario]:
    whole = partial(Scenario, "The same with all that the product judges, latency without a floor")
    found = []
    for name, t, moves in (
        ("constant 1 %", 1.25, False),
        ("spikes 0.1 -> 20 %", 1.0, True),
        ("weights 5/25/50 %, constant 1 %", 1.25, True),
    ):
        rate, weights = RATES[name]
        start = started(weights, median_s=MEDIAN_S, latency_ratio=t)
        traffic = RandomRouting(rate, 100, weights=weights, latency=latency(start, moves=moves))
        title = f"{name}, latency t = {t:g}{', moving' if moves else ''}, polls of 100"
        found.append(whole(title, partial(_healthy, start, traffic)))
    return found


def _other_answers() -> list[Scenario]:
    other = partial(Scenario, "The same with other answers on both versions, polls of 100")
    found = []
    for name, others in OTHERS.items():
        settings = settings_for(others)
        start = started((0.1, 0.5), median_s=MEDIAN_S, latency_floor_ms=FLOOR_MS, settings=settings)
        traffic = RandomRouting(
            constant(0.01), 100, weights=(0.1, 0.5), latency=latency(start), others=others
        )
        found.append(other(name, partial(_healthy, start, traffic)))
    traffic = RandomRouting(
        constant(0.01), 100, weights=(0.1, 0.5), others=(Answers("soon", spikes(0.02, 0.3)),)
    )
    start = started((0.1, 0.5))
    found.append(other("give-ups, all count as failed", partial(_healthy, start, traffic)))
    return found


def _process_effects() -> list[Scenario]:
    effects = partial(
        Scenario, "The same build, but one process' luck at 10/50 %, 20,000 requests, polls of 100"
    )
    found = []
    lots = ((LUCK, "odds as seen", 0.0), (LUCK, "odds as seen", FLOOR_MS))
    for median_s, (luck, machine, floor_ms) in product(
        FAST_S, (*lots, (BUSY_LUCK, "odds up to 3", FLOOR_MS))
    ):
        start = started(LUCKY_STEPS, median_s=median_s, latency_floor_ms=floor_ms)
        slow = latency(start, median_s, luck=luck)
        traffic = RandomRouting(constant(0.001), 100, weights=LUCKY_STEPS, latency=slow)
        name = f"median {1000 * median_s:g} ms, {machine}, floor {floor_ms:g} ms"
        # Without the floor, to see what it is for.
        limit = MOST if floor_ms else None
        found.append(effects(name, partial(_healthy, start, traffic, limit=limit)))
    return found


def _healthy(
    start: CanaryEvidence,
    traffic: Traffic,
    name: str,
    random: Generator,
    runs: int,
    limit: float | None = MOST,
) -> list[Line]:
    outcome = evidence.run(start, traffic, random, runs)
    rolled_back, held = (np.isfinite(outcome.found[who]) for who in (evidence.OURS, evidence.SHARE))
    return [
        Line(name, share(rolled_back, limit), outcome.off_by),
        Line(f"    {evidence.SHARE}", share(held, MOST)),
    ]
