"""How many canary requests a bad canary gets until it is rolled back, with 10 % of the requests.

Figures are median / 95th percentile / mean. Beside it what else one could decide with, and for each
the share of healthy canaries that it rolls back within 20,000 requests at the same rate. Client
errors and redirects have a part of alpha that others had before: the figures of then stand below
those of now, which may be 10 % more.
"""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.random import Generator

from benchmarks.canary_verdict import evidence
from benchmarks.canary_verdict.canaries import (
    ALPHA,
    BEFORE,
    FLOOR_MS,
    MEDIAN_S,
    NOW,
    latency,
    settings_for,
    started,
)
from benchmarks.canary_verdict.lines import (
    Line,
    Measured,
    Scenario,
    allowed,
    quantiles,
    requests,
    share,
)
from benchmarks.canary_verdict.rates import constant
from benchmarks.canary_verdict.rivals import all_rivals
from benchmarks.canary_verdict.traffic import Answers, RandomRouting

MOST_REQUESTS = 80_000
MOST_REQUESTS_LATENCY = 40_000
MORE = 1.1
"""Times the requests of before."""

SHIFTS = (
    (0.01, 0.05, 50, (135, 380, 162)),
    (0.01, 0.05, 100, ()),
    (0.001, 0.01, 100, (460, 1230)),
    (0.0, 0.05, 100, (75, 155)),
    (0.01, 0.02, 100, (1500, 3900)),
    (0.01, 0.5, 100, (21, 31)),
)
"""Failure rate before and after, requests a poll, limits before alpha was shared with others."""
SLOWER = ((1.2, ()), (1.5, (85, 170)), (2.0, ()))
"""How many times the median latency, limits before."""
OTHERS: dict[str, tuple[Answers, ...]] = {
    "404 to all": (Answers("client_errors", constant(0.05), worse_by=0.95),),
    "404 to 20 %": (Answers("client_errors", constant(0.05), worse_by=0.2),),
    "404 to 5 %, to 1 % before": (Answers("client_errors", constant(0.01), worse_by=0.04),),
    "redirects to all": (Answers("redirects", constant(0.05), worse_by=0.95),),
    "redirects to 20 %": (Answers("redirects", constant(0.05), worse_by=0.2),),
    "5 % wait too long and give up": (Answers("late", constant(0.001), worse_by=0.05),),
    "20 % are not as the tool's load expects": (Answers("wrong", constant(0.001), worse_by=0.2),),
}
"""Behaviours of a canary that has no other fault."""
VANISHING = (
    (1 / 3, 0.1),
    (0.1, 0.1),
    (0.02, 0.1),
    (1 / 3, 0.5),
    (0.02, 0.5),
)
"""Share of the canary's requests that never end, the canary's share."""


def scenarios() -> list[Scenario]:
    errors = partial(
        Scenario, "Canary requests until rollback, latency not known; of healthy ones rolled back"
    )
    whole = partial(Scenario, "The same with all that is judged, polls of 100")
    slower = partial(
        Scenario, "The same for latency, lognormal of 50 ms, without a floor, t = 1.25"
    )
    slower_still = partial(Scenario, "The same with the floor of 25 ms")
    other = partial(Scenario, "The same for other answers than failures, all that is judged")
    missing = partial(Scenario, "Canary requests until it is held because its requests do not end")
    return [
        *(
            errors(
                f"{before:.1%} -> {after:.0%}, polls of {poll}",
                partial(_failing, before, after, poll, limits),
            )
            for before, after, poll, limits in SHIFTS
        ),
        *(
            whole(f"{before:.1%} -> {after:.0%}", partial(_failing_as_judged, before, after))
            for before, after, poll, _ in SHIFTS
            if poll == 100
        ),
        *(slower(f"x {times:g}", partial(_slower, times, limits)) for times, limits in SLOWER),
        *(
            slower_still(f"x {times:g}", partial(_slower_than_the_floor, times))
            for times in (1.2, 1.5, 2.0, 3.0)
        ),
        *(other(name, partial(_answering, others)) for name, others in OTHERS.items()),
        *(
            missing(f"{lost:.0%} of them, at {weight:.0%}", partial(_vanishing, lost, weight))
            for lost, weight in VANISHING
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
        if who == evidence.SHARE:
            continue
        is_ours = who == evidence.OURS
        figure, limit, is_met = requests(found, allowed(limits, MORE) if is_ours else ())
        of_healthy = share(np.isfinite(alarms.found[who])).figure
        lines.append(
            Line(
                f"{name}: {who}" if is_ours else f"    {who}",
                Measured(f"{figure}; {of_healthy}", limit, is_met),
                max(alarms.off_by, detections.off_by) if is_ours else None,
            )
        )
    return lines


def _failing_as_judged(
    before: float, after: float, name: str, random: Generator, runs: int
) -> list[Line]:
    seed = random.integers(2**63)

    def detect(settings: Mapping[str, object]) -> evidence.Outcome:
        start = started(median_s=MEDIAN_S, latency_floor_ms=FLOOR_MS, settings=settings)
        traffic = RandomRouting(
            constant(before),
            100,
            worse_by=after - before,
            requests=MOST_REQUESTS,
            latency=latency(start),
        )
        return evidence.run(start, traffic, np.random.default_rng(seed), runs)

    return _side_by_side(name, detect)


def _slower(
    times: float, limits: tuple[int, ...], name: str, random: Generator, runs: int
) -> list[Line]:
    seed = random.integers(2**63)

    def detect(settings: Mapping[str, object]) -> evidence.Outcome:
        start = started(median_s=MEDIAN_S, settings=settings)
        slow = latency(start, slower=times)
        traffic = RandomRouting(constant(0.0), 100, requests=MOST_REQUESTS_LATENCY, latency=slow)
        return evidence.run(start, traffic, np.random.default_rng(seed), runs)

    return _side_by_side(name, detect, limits)


def _side_by_side(
    name: str,
    detect: Callable[[Mapping[str, object]], evidence.Outcome],
    limits: tuple[int, ...] = (),
) -> list[Line]:
    """Measure with alpha as it is shared out and as it was, over the same requests.

    limits: of then; without, what is measured of it here.
    """
    now, before = detect(NOW), detect(BEFORE)
    known = limits or quantiles(before.found[evidence.OURS])
    return [
        Line(name, requests(now.found[evidence.OURS], allowed(known, MORE)), now.off_by),
        Line("    alpha as before", requests(before.found[evidence.OURS]), before.off_by),
    ]


def _slower_than_the_floor(times: float, name: str, random: Generator, runs: int) -> list[Line]:
    start = started(median_s=MEDIAN_S, latency_floor_ms=FLOOR_MS)
    traffic = RandomRouting(
        constant(0.0), 100, requests=MOST_REQUESTS_LATENCY, latency=latency(start, slower=times)
    )
    return [_found(name, evidence.run(start, traffic, random, runs))]


def _answering(others: tuple[Answers, ...], name: str, random: Generator, runs: int) -> list[Line]:
    settings = settings_for(others)
    start = started(median_s=MEDIAN_S, latency_floor_ms=FLOOR_MS, settings=settings)
    traffic = RandomRouting(
        constant(0.001), 100, requests=MOST_REQUESTS, latency=latency(start), others=others
    )
    return [_found(name, evidence.run(start, traffic, random, runs))]


def _vanishing(lost: float, weight: float, name: str, random: Generator, runs: int) -> list[Line]:
    traffic = RandomRouting(
        constant(0.001), 100, weights=(weight,), requests=MOST_REQUESTS, vanishing=lost
    )
    outcome = evidence.run(started((weight,)), traffic, random, runs, awaited=evidence.SHARE)
    return [_found(name, outcome, evidence.SHARE)]


def _found(name: str, outcome: evidence.Outcome, who: str = evidence.OURS) -> Line:
    return Line(name, requests(outcome.found[who]), outcome.off_by)
