"""How many canary requests a bad canary gets until it is rolled back, with 10 % of the requests.

Figures are median / 95th percentile / mean. Beside it what else one could decide with, and for each
the share of healthy canaries that it rolls back within 20,000 requests at the same rate.
"""

from functools import partial

import numpy as np
from numpy.random import Generator

from benchmarks.canary_verdict import evidence
from benchmarks.canary_verdict.canaries import ALPHA, latency, started
from benchmarks.canary_verdict.lines import Line, Measured, Scenario, requests, share
from benchmarks.canary_verdict.rivals import all_rivals
from benchmarks.canary_verdict.traffic import RandomRouting, constant

MOST_REQUESTS = 80_000
MOST_REQUESTS_LATENCY = 40_000

SHIFTS = (
    (0.01, 0.05, 50, (135, 380, 162)),
    (0.01, 0.05, 100, ()),
    (0.001, 0.01, 100, (460, 1230)),
    (0.0, 0.05, 100, (75, 155)),
    (0.01, 0.02, 100, (1500, 3900)),
    (0.01, 0.5, 100, (21, 31)),
)
"""Failure rate before and after, requests a poll, limits."""
SLOWER = ((1.2, ()), (1.5, (85, 170)), (2.0, ()))
"""How many times the median latency, limits."""


def scenarios() -> list[Scenario]:
    errors = partial(
        Scenario, "Canary requests until rollback, errors alone; of healthy canaries rolled back"
    )
    slower = partial(Scenario, "The same for latency, weight 0.3, t = 1.25, polls of 100")
    return [
        *(
            errors(
                f"{before:.1%} -> {after:.0%}, polls of {poll}",
                partial(_failing, before, after, poll, limits),
            )
            for before, after, poll, limits in SHIFTS
        ),
        *(
            slower(f"x {times:g}, lognormal", partial(_slower, times, limits))
            for times, limits in SLOWER
        ),
    ]


def _failing(
    before: float,
    after: float,
    poll: int,
    limits: tuple[int, ...],
    name: str,
    random: Generator,
    runs: int,
) -> list[Line]:
    healthy = RandomRouting(constant(before), poll)
    bad = RandomRouting(constant(before), poll, worse_by=after - before, requests=MOST_REQUESTS)
    alarms, detections = (
        evidence.run(started(), traffic, random, runs, all_rivals(before, after, ALPHA))
        for traffic in (healthy, bad)
    )
    lines = []
    for who, found in detections.found.items():
        is_ours = who == evidence.OURS
        figure, limit, is_met = requests(found, limits if is_ours else ())
        of_healthy = share(np.isfinite(alarms.found[who])).figure
        lines.append(
            Line(
                f"{name}: {who}" if is_ours else f"    {who}",
                Measured(f"{figure}; {of_healthy}", limit, is_met),
                max(alarms.off_by, detections.off_by) if is_ours else None,
            )
        )
    return lines


def _slower(
    times: float, limits: tuple[int, ...], name: str, random: Generator, runs: int
) -> list[Line]:
    traffic = RandomRouting(
        constant(0.0), 100, requests=MOST_REQUESTS_LATENCY, latency=latency(slower=times)
    )
    outcome = evidence.run(started(with_latency=True), traffic, random, runs)
    return [Line(name, requests(outcome.found[evidence.OURS], limits), outcome.off_by)]
