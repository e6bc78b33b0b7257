"""How many canary requests a healthy canary needs to be promoted, and how often a bad one is.

Bad means worse by exactly the tolerance all the time; the limit is alpha of promotion (5 %) and
what 10,000 runs may be off by. Requests of both arms come in polls of 100.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.random import Generator

from benchmarks.canary_verdict.bound import Bounds
from benchmarks.canary_verdict.canaries import ALPHA_PROMOTION
from benchmarks.canary_verdict.evidence import SAMPLE
from benchmarks.canary_verdict.lines import Line, Scenario, requests, share
from benchmarks.canary_verdict.rollback import Floats, Tables
from benchmarks.canary_verdict.traffic import Rates, constant, spikes
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


@dataclass(frozen=True)
class Setting:
    """A canary to promote. start_rate: stable's before it began. gates: a bound a weight."""

    rates: Rates
    start_rate: float
    gates: tuple[float, ...]
    weights: tuple[float, ...] = (0.1,)
    worse_by: float = 0.0
    requests: int = 20_000

    def sample(self) -> PromotionBound:
        return PromotionBound.start(
            tolerances=tolerances(self.gates), rate=self.start_rate, alpha=ALPHA_PROMOTION
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
        (
            "weights 5/25/50 %, constant 1 %",
            Setting(constant(0.01), 0.01, (0.05, 0.02, 0.01), STEPS),
        ),
        (
            "weights 5/25/50 %, spikes",
            Setting(spikes(0.001, 0.2), 0.001, (0.05, 0.02, 0.01), STEPS),
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
        *(bad(name, partial(_wrong, setting)) for name, setting in wrong),
    ]


def _healthy(
    setting: Setting, limits: tuple[int, ...], name: str, random: Generator, runs: int
) -> list[Line]:
    promoted, off_by = promote(setting, random, runs)
    return [Line(name, requests(promoted, limits), off_by)]


def _wrong(setting: Setting, name: str, random: Generator, runs: int) -> list[Line]:
    worse = Setting(**{**vars(setting), "worse_by": setting.gates[-1]})
    promoted, off_by = promote(worse, random, runs)
    return [Line(name, share(np.isfinite(promoted), MOST_WRONG), off_by)]


def promote(setting: Setting, random: Generator, runs: int) -> tuple[Floats, float]:
    """Return each run's canary requests until promotion (infinite: never), and the difference.

    Every step begins afresh and is passed at its gate; two polls are dropped after a move.
    """
    judged = tuple(t for t in tolerances(setting.gates) if t >= min(setting.gates))
    bounds = Bounds(judged, setting.start_rate, ALPHA_PROMOTION, runs)
    sample = [setting.sample()] * min(SAMPLE, runs)
    weights, gates = np.array(setting.weights), np.array(setting.gates)
    step = np.zeros(runs, dtype=np.int64)
    to_drop = np.zeros(runs, dtype=np.int64)
    canary_requests = np.zeros(runs, dtype=np.int64)
    promoted = np.full(runs, np.inf)
    off_by = 0.0
    rates = setting.rates(random, runs)
    for _ in range(setting.requests // POLL):
        rate = next(rates)
        n_c = random.binomial(POLL, weights[step])
        x_c = random.binomial(n_c, rate + setting.worse_by)
        x_s = random.binomial(POLL - n_c, rate)
        canary_requests += n_c
        is_judged = np.isinf(promoted) & (to_drop == 0)
        to_drop = np.maximum(0, to_drop - 1)
        block = Tables(n_c * is_judged, x_c * is_judged, POLL - n_c, x_s)
        bounds.take_in(block)
        is_passed = is_judged & bounds.is_below(gates[step])
        for i, bound in enumerate(sample):
            sample[i] = bound.after(block.one(i))
            exact = np.array(sample[i].log_e[-len(judged) :])
            off_by = max(off_by, float(np.abs(exact - bounds.log_e[i]).max()))
            if is_judged[i] and is_passed[i] != (sample[i].upper <= gates[step[i]]):
                off_by = np.inf
        is_last = step == len(weights) - 1
        promoted[is_passed & is_last] = canary_requests[is_passed & is_last]
        moves = is_passed & ~is_last
        step[moves] += 1
        to_drop[moves] = POLLS_AFTER_MOVE
        bounds.begin_step(moves)
        for i, has_moved in enumerate(moves[: len(sample)]):
            if has_moved:
                sample[i] = setting.sample()
        if np.isfinite(promoted).all():
            break
    return promoted, off_by
