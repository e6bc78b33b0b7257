"""How much worse the canary can still be: an upper bound on its error rate minus stable's.

For each tolerance an e-process bets against "the canary is worse by at least this much in every
block"; the bound is the smallest tolerance that is rejected together with all larger ones. The
chance that it is ever below the true difference is at most alpha. It needs failures that are
independent given the rate; where they come in clusters, the logs of the bets are divided by the
clusters' inflation of the variance, so that a cluster counts about once (an e-value to a power
below 1 is worth less than one; simulated). Source: docs/canary.md, "Promotion".

A block in which stable itself fails far more often than it is known to says nothing of the canary,
and is left out. That is always valid: given the rates, how often stable fails is independent of the
canary, and more of stable's failures only raise the bets, so that without those blocks their
expected growth is less.
"""

import math
from collections.abc import Iterable
from typing import Self

from deploytool.canary.observation import NO_TABLE, Frozen, Table

OUTAGE_RATE = 0.1
OUTAGE_TIMES = 5
OUTAGE_FAILURES = 5
"""Stable is out in a block where it fails at this rate, so many times as often as before, and so
many times at least."""
PRIOR_REQUESTS = 200
"""How many requests the rate before the canary counts for."""
HALF_LIFE_REQUESTS = 20_000
"""After so many requests the past counts half, decaying with each block: rates move."""


def tolerances(gates: Iterable[float]) -> tuple[float, ...]:
    """Return 40 values from 0.1 % to 50 %, log-spaced, and the gates themselves, ascending."""
    grid = (0.001 * 500 ** (i / 39) for i in range(40))
    return tuple(sorted({*grid, *gates}))


class PromotionBound(Frozen):
    """One e-process per tolerance, the common failure rate they bet with, and the bound.

    clusters: inflation of the variance by failures that come together; 1 where each comes alone.
    upper: running minimum of the bound, as a fraction; 1 means that nothing is known yet.
    left_out: what was counted in the blocks in which stable was out.
    """

    limit: float
    tolerances: tuple[float, ...]
    log_e: tuple[float, ...]
    failures: float
    requests: float
    clusters: float = 1.0
    upper: float = 1.0
    left_out: Table = NO_TABLE

    @classmethod
    def start(
        cls, *, tolerances: tuple[float, ...], rate: float, alpha: float, clusters: float = 1.0
    ) -> Self:
        """Begin a step. rate: stable's failure rate before the canary (0-1)."""
        return cls(
            limit=1 / alpha,
            tolerances=tolerances,
            log_e=(0.0,) * len(tolerances),
            failures=PRIOR_REQUESTS * rate,
            requests=PRIOR_REQUESTS,
            clusters=clusters,
        )

    @property
    def rate(self) -> float:
        """The common failure rate that the next block is bet on; a wrong one only costs speed."""
        return (self.failures + 0.02) / (self.requests + 0.04)

    def after(self, table: Table) -> Self:
        """Take in one block of failures; a block with an empty arm changes nothing."""
        if not (table.n_c and table.n_s):
            return self
        if self._is_out(table):
            return self.model_copy(update={"left_out": self.left_out.plus(table)})
        log_e = tuple(
            log_e + log_growth(table, self.rate, tolerance) / self.clusters
            for log_e, tolerance in zip(self.log_e, self.tolerances, strict=True)
        )
        block_requests = table.n_c + table.n_s
        kept = 0.5 ** (block_requests / HALF_LIFE_REQUESTS)
        return self.model_copy(
            update={
                "log_e": log_e,
                "failures": kept * self.failures + table.x_c + table.x_s,
                "requests": kept * self.requests + block_requests,
                "upper": min(self.upper, self._bound(log_e)),
            }
        )

    def requests_needed(self, tolerance: float, counted: Table, stable_per_canary: float) -> float:
        """Estimate the canary requests, those of this step included, that prove a tolerance.

        Assumes that the arms go on as counted; infinite if they never get there that way.
        tolerance: proved once it and all larger ones are refuted. counted: in the blocks that were
        not left out.
        """
        n_c, x_c, n_s, x_s = counted
        rate_c = x_c / n_c if n_c else self.rate
        rate_s = x_s / n_s if n_s else self.rate

        def more(each: float, missing: float) -> float:
            worst_c, worst_s = nearest_null(self.rate, each, stable_per_canary)
            growth = _log_ratio(rate_c, self.rate, worst_c) + stable_per_canary * _log_ratio(
                rate_s, self.rate, worst_s
            )
            return math.inf if growth <= 0 else missing * self.clusters / growth

        return n_c + max(
            (
                more(each, math.log(self.limit) - log_e)
                for each, log_e in zip(self.tolerances, self.log_e, strict=True)
                if each >= tolerance and log_e < math.log(self.limit)
            ),
            default=0.0,
        )

    def _is_out(self, table: Table) -> bool:
        rate = max(OUTAGE_RATE, min(1.0, OUTAGE_TIMES * self.rate))
        return table.x_s >= max(OUTAGE_FAILURES, rate * table.n_s)

    def _bound(self, log_e: tuple[float, ...]) -> float:
        bound = 1.0
        for tolerance, log_value in zip(reversed(self.tolerances), reversed(log_e), strict=True):
            if log_value < math.log(self.limit):
                break
            bound = tolerance
        return bound


def log_growth(table: Table, rate: float, tolerance: float) -> float:
    """Return the log likelihood ratio of one block: equal rates against the nearest null."""
    worst_c, worst_s = nearest_null(rate, tolerance, table.n_s / table.n_c)
    return (
        table.x_c * math.log(rate / worst_c)
        + (table.n_c - table.x_c) * math.log((1 - rate) / (1 - worst_c))
        + table.x_s * math.log(rate / worst_s)
        + (table.n_s - table.x_s) * math.log((1 - rate) / (1 - worst_s))
    )


def nearest_null(rate: float, tolerance: float, stable_per_canary: float) -> tuple[float, float]:
    """Return the rates (canary, stable), `tolerance` apart, that are hardest to tell from `rate`.

    They minimise the information sum n KL(rate, own rate), whose slope in stable's rate grows:
    bisect for its root. Betting against the nearest null covers every worse one.
    """
    low, high = 0.0, min(rate, 1 - tolerance)
    for _ in range(60):
        q = (low + high) / 2
        c = q + tolerance
        slope = (c - rate) / (c * (1 - c)) - stable_per_canary * (rate - q) / (q * (1 - q))
        low, high = (q, high) if slope < 0 else (low, q)
    return high + tolerance, high


def _log_ratio(true_rate: float, rate: float, worst: float) -> float:
    """Return the expected log likelihood ratio of one request that fails at `true_rate`."""
    return true_rate * math.log(rate / worst) + (1 - true_rate) * math.log((1 - rate) / (1 - worst))
