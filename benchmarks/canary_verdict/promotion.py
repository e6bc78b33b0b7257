"""How many canary requests a healthy canary needs to be promoted, and how often a bad one is.

Bad means worse by exactly the tolerance all the time; the limit is alpha of promotion (5 %) and
what 10,000 runs may be off by. Requests of both arms come in polls of 100.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.random import Generator

from benchmarks.canary_verdict.bound import Bounds
from benchmarks.canary_verdict.canaries import ALPHA_PROMOTION, started
from benchmarks.canary_verdict.evidence import SAMPLE
from benchmarks.canary_verdict.lines import Line, Scenario, requests, share
from benchmarks.canary_verdict.rates import Rates, constant, outage, spikes
from benchmarks.canary_verdict.rollback import Bools, Floats, Tables
from benchmarks.canary_verdict.traffic import failures
from deploytool.canary.bound import PromotionBound, tolerances
from deploytool.canary.verdict import POLLS_AFTER_MOVE

POLL = 100
STEPS = (0.05, 0.25, 0.5)
MOST_WRONG = 0.056
HEALTHY = (
    (0.0, 0.01, (310,)),
    (0.0, 0.02, (160,)),
    (0.001, 0.01, ()),
    (0.001, 0.02, ()),
    (0.01, 0.01, ()),
    (0.01, 0.02, ()),
)
"""Failure rate, tolerance, limits."""
OUTAGE = (500, 1100)
"""Median and p95 of requests: those without an outage, the 150 during it, and room for chance."""


@dataclass(frozen=True)
class Setting:
    """A canary to promote.

    start_rate: stable's before it began. gates: a bound a weight. worse_by: the canary's failure
    rate minus stable's. cluster_size: failures that come together on one arm.
    """

    rates: Rates
    start_rate: float
    gates: tuple[float, ...]
    weights: tuple[float, ...] = (0.1,)
    worse_by: float = 0.0
    cluster_size: float = 1.0
    requests: int = 20_000

    def begun(self) -> PromotionBound:
        """Return the product's bound at the beginning of a step."""
        return PromotionBound.start(
            tolerances=tolerances(self.gates),
            rate=self.start_rate,
            alpha=ALPHA_PROMOTION,
            clusters=started(cluster_size=self.cluster_size).policy.clusters,
        )


def scenarios() -> list[Scenario]:
    healthy = partial(Scenario, "Canary requests until a healthy canary is promoted, weight 10 %")
    bad = partial(
        Scenario, "Promotions of a canary worse by exactly the tolerance, 20,000 requests"
    )
    wrong = [
        ("constant 0 %", Setting(constant(0.0), 0.0, (0.01,))),
        ("constant 1 %", Setting(constant(0.01), 0.01, (0.01,))),
        ("constant 1 %, tolerance 2 %", Setting(constant(0.01), 0.01, (0.02,))),
        ("spikes 0.1 -> 20 %", Setting(spikes(0.001, 0.2), 0.001, (0.01,))),
        ("outages now and then, 1 -> 50 %", Setting(spikes(0.01, 0.5), 0.01, (0.01,))),
        (
            "weights 5/25/50 %, constant 1 %",
            Setting(constant(0.01), 0.01, (0.05, 0.02, 0.01), STEPS),
        ),
        (
            "weights 5/25/50 %, spikes",
            Setting(spikes(0.001, 0.2), 0.001, (0.05, 0.02, 0.01), STEPS),
        ),
        *(
            (
                f"constant 1 %, clusters of {size} failures, declared so",
                Setting(constant(0.01), 0.01, (0.01,), cluster_size=size),
            )
            for size in (2, 5)
        ),
    ]
    return [
        *(
            healthy(
                f"rate {rate:.1%}, tolerance {gate:.0%}",
                partial(_healthy, Setting(constant(rate), rate, (gate,), requests=80_000), limits),
            )
            for rate, gate, limits in HEALTHY
        ),
        healthy(
            "rate 0.1%, tolerance 1%, after an outage of both versions for 15 polls",
            partial(
                _healthy, Setting(outage(0.001, 5, 15), 0.001, (0.01,), requests=80_000), OUTAGE
            ),
        ),
        *(bad(name, partial(_wrong, setting)) for name, setting in wrong),
    ]


def _healthy(
    setting: Setting, limits: tuple[int, ...], name: str, random: Generator, runs: int
) -> list[Line]:
    promoted, off_by = promote(setting, random, runs)
    return [Line(name, requests(promoted, limits), off_by)]


def _wrong(setting: Setting, name: str, random: Generator, runs: int) -> list[Line]:
    worse = replace(setting, worse_by=setting.gates[-1])
    promoted, off_by = promote(worse, random, runs)
    return [Line(name, share(np.isfinite(promoted), MOST_WRONG), off_by)]


def promote(setting: Setting, random: Generator, runs: int) -> tuple[Floats, float]:
    """Return each run's canary requests until promotion (infinite: never), and the difference.

    Every step begins afresh and is passed at its gate; two polls are dropped after a move.
    """
    bounds = Bounds(setting.begun(), min(setting.gates), runs)
    sample = Sample(setting, min(SAMPLE, runs))
    weights, gates = np.array(setting.weights), np.array(setting.gates)
    step = np.zeros(runs, dtype=np.int64)
    to_drop = np.zeros(runs, dtype=np.int64)
    canary_requests = np.zeros(runs, dtype=np.int64)
    promoted = np.full(runs, np.inf)
    rates = setting.rates(random, runs)
    for _ in range(setting.requests // POLL):
        rate = next(rates)
        n_c = random.binomial(POLL, weights[step])
        x_c = failures(random, n_c, rate + setting.worse_by, setting.cluster_size)
        x_s = failures(random, POLL - n_c, rate, setting.cluster_size)
        canary_requests += n_c
        is_judged = np.isinf(promoted) & (to_drop == 0)
        to_drop = np.maximum(0, to_drop - 1)
        # the others' blocks lose an arm: they change nothing
        block = Tables(n_c * is_judged, x_c * is_judged, POLL - n_c, x_s)
        bounds.take_in(block)
        is_passed = is_judged & bounds.is_below(gates[step])
        sample.compare(block, bounds, is_judged, is_passed, gates[step])
        is_last = step == len(weights) - 1
        promoted[is_passed & is_last] = canary_requests[is_passed & is_last]
        moves = is_passed & ~is_last
        step[moves] += 1
        to_drop[moves] = POLLS_AFTER_MOVE
        bounds.begin_step(moves)
        sample.begin_step(moves)
        if np.isfinite(promoted).all():
            break
    return promoted, sample.off_by


class Sample:
    """The first runs, through the product's own class with all of its tolerances.

    off_by: the largest difference of log e so far; infinite if a gate was passed by one alone.
    """

    def __init__(self, setting: Setting, runs: int) -> None:
        self.begun = setting.begun()
        self.bounds = [self.begun] * runs
        self.off_by = 0.0

    def compare(
        self, block: Tables, bounds: Bounds, is_judged: Bools, is_passed: Bools, gates: Floats
    ) -> None:
        """Take in what the arrays have just taken in."""
        for run, before in enumerate(self.bounds):
            bound = self.bounds[run] = before.after(block.one(run))
            log_e = np.array(bound.log_e[-len(bounds.tolerances) :])
            self.off_by = max(self.off_by, float(np.abs(log_e - bounds.log_e[run]).max()))
            if is_judged[run] and is_passed[run] != (bound.upper <= gates[run]):
                self.off_by = np.inf

    def begin_step(self, runs: Bools) -> None:
        for run, has_moved in enumerate(runs[: len(self.bounds)]):
            if has_moved:
                self.bounds[run] = self.begun
