"""The promotion bound over many runs at once: the product's PromotionBound in arrays.

A gate is passed when the upper bound comes below it, that is, when its tolerance and all larger
ones are refuted at the same moment; smaller tolerances have no part in that and are left out.
"""

import numpy as np

from benchmarks.canary_verdict.rollback import AT_ONCE, Bools, Floats, Ints, Tables
from deploytool.canary.bound import (
    HALF_LIFE_REQUESTS,
    OUTAGE_FAILURES,
    OUTAGE_RATE,
    OUTAGE_TIMES,
    PromotionBound,
)


class Bounds:
    """As many bounds as there are runs, all begun like `start`, each at a step of its own.

    gate: the smallest tolerance that is ever asked for.
    """

    def __init__(self, start: PromotionBound, gate: float, runs: int) -> None:
        self.start = start
        self.tolerances = np.array([each for each in start.tolerances if each >= gate])
        self.log_e = np.zeros((runs, len(self.tolerances)))
        self.failures = np.full(runs, start.failures)
        self.requests = np.full(runs, start.requests)

    def begin_step(self, runs: Bools) -> None:
        """Forget these runs' evidence, as the product does at a new weight."""
        self.log_e[runs] = 0
        self.failures[runs] = self.start.failures
        self.requests[runs] = self.start.requests

    def take_in(self, block: Tables) -> None:
        """Take in one block of each run; an empty arm, or stable out, changes nothing."""
        (told,) = np.nonzero((block.n_c > 0) & (block.n_s > 0) & ~self._is_out(block))
        for begin in range(0, len(told), AT_ONCE):
            runs = told[begin : begin + AT_ONCE]
            self._grow(runs, block.of(runs))

    def _is_out(self, block: Tables) -> Bools:
        rate = np.clip(OUTAGE_TIMES * self._rate, OUTAGE_RATE, 1.0)
        return np.asarray(block.x_s >= np.maximum(OUTAGE_FAILURES, rate * block.n_s))

    @property
    def _rate(self) -> Floats:
        return (self.failures + 0.02) / (self.requests + 0.04)

    def _grow(self, runs: Ints, block: Tables) -> None:
        n_c, x_c, n_s, x_s = (column[:, None] for column in block)
        rate = self._rate[runs][:, None]
        worst_s = _nearest_null(rate, self.tolerances, n_s / n_c)
        worst_c = worst_s + self.tolerances
        growth = (
            x_c * np.log(rate / worst_c)
            + (n_c - x_c) * np.log((1 - rate) / (1 - worst_c))
            + x_s * np.log(rate / worst_s)
            + (n_s - x_s) * np.log((1 - rate) / (1 - worst_s))
        )
        self.log_e[runs] += growth / self.start.clusters
        size = block.n_c + block.n_s
        kept = 0.5 ** (size / HALF_LIFE_REQUESTS)
        self.failures[runs] = kept * self.failures[runs] + block.x_c + block.x_s
        self.requests[runs] = kept * self.requests[runs] + size

    def is_below(self, gate: float | Floats) -> Bools:
        """Tell which runs refute the gate (one for all, or one each) and all above it now."""
        is_smaller = self.tolerances < np.broadcast_to(gate, len(self.log_e))[:, None]
        return np.asarray(np.all(is_smaller | (self.log_e >= np.log(self.start.limit)), axis=1))


def _nearest_null(rate: Floats, tolerance: Floats, stable_per_canary: Floats) -> Floats:
    """Return stable's rate in the nearest null: the root that the product finds by bisection.

    Multiplied out, the slope is a cubic q^3 + b q^2 + c q + d with one root below 0 and one above
    the rate; the root between them has a closed form, which two steps by Newton make exact.
    """
    ratio, excess = stable_per_canary, tolerance - rate
    a = tolerance * (1 - tolerance)
    b = -(1 - excess + ratio * (rate + 1 - 2 * tolerance)) / (1 + ratio)
    c = (ratio * (rate * (1 - 2 * tolerance) - a) - excess) / (1 + ratio)
    d = ratio * rate * a / (1 + ratio)
    p = b * b / 3 - c
    angle = np.arccos(np.clip((b * c / 3 - 2 * b**3 / 27 - d) * 1.5 / p * np.sqrt(3 / p), -1, 1))
    q = 2 * np.sqrt(p / 3) * np.cos(angle / 3 - 2 * np.pi / 3) - b / 3
    for _ in range(2):
        worst = q + tolerance
        q_left, worst_left = q * (1 - q), worst * (1 - worst)
        value = (worst - rate) * q_left - ratio * (rate - q) * worst_left
        slope = (
            q_left
            + (worst - rate) * (1 - 2 * q)
            + ratio * (worst_left - (rate - q) * (1 - 2 * worst))
        )
        q = q - value / slope
    return np.asarray(q)
