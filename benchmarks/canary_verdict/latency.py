"""How long simulated requests take: lognormal, for each version by the bounds it is judged at."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.special import ndtr, ndtri

from benchmarks.canary_verdict.rates import constant, walk
from benchmarks.canary_verdict.rollback import Floats, Ints

SLOWNESS = 0.6
"""Standard deviation of the log of the latency."""
LUCK_S = 0.005
"""Above this the odds are known that one process' luck makes."""


@dataclass(frozen=True)
class Latency:
    """Lognormal latency, judged at some bounds.

    bounds_s: the canary's and stable's, pair by pair. slower: what the canary's median is
    multiplied by. moves: the median of both versions follows a random walk within a factor of 2.
    luck: by step, between which odds ratios the canary's requests over 5 ms are: though it is the
    same build, another one in each run, as one process is not like another.
    """

    bounds_s: tuple[tuple[float, float], ...]
    median_s: float
    slower: float = 1.0
    moves: bool = False
    luck: tuple[tuple[float, float], ...] = ()

    def of(self, random: Generator, runs: int) -> "SlowRequests":
        """Begin so many runs."""
        return SlowRequests(self, random, runs)


class SlowRequests:
    """The slow requests of many runs, poll by poll."""

    def __init__(self, latency: Latency, random: Generator, runs: int) -> None:
        self._latency = latency
        self._random = random
        self._medians_s = self._medians(runs)
        self._slower = np.full(runs, latency.slower)

    def begin_step(self, step: int) -> None:
        """Draw each run's luck at this step."""
        latency = self._latency
        if latency.luck:
            odds = self._random.uniform(*latency.luck[step], len(self._slower))
            self._slower = latency.slower * _times_slower(latency.median_s, odds)

    def over(self, n_c: Ints, n_s: Ints) -> tuple[tuple[Ints, ...], tuple[Ints, ...]]:
        """Draw the requests of one poll over each of the canary's and of stable's bounds."""
        median_s = next(self._medians_s)
        canary_s, stable_s = zip(*self._latency.bounds_s, strict=True)
        return (
            self._over(n_c, self._slower * median_s, canary_s),
            self._over(n_s, median_s, stable_s),
        )

    def _over(
        self, requests: Ints, median_s: Floats, bounds_s: tuple[float, ...]
    ) -> tuple[Ints, ...]:
        """Draw those over a higher bound among those over a lower."""
        hits, share = requests, np.ones(len(requests))
        counts = {}
        for bound_s in sorted({*bounds_s}):
            over = ndtr(np.log(median_s / bound_s) / SLOWNESS)
            hits = counts[bound_s] = self._random.binomial(hits, over / share)
            share = over
        return tuple(counts[bound_s] for bound_s in bounds_s)

    def _medians(self, runs: int) -> Iterator[Floats]:
        """Yield stable's median, poll by poll."""
        median_s = self._latency.median_s
        rates = walk(median_s / 2, median_s * 2) if self._latency.moves else constant(median_s)
        return rates(self._random, runs)


def _times_slower(median_s: float, odds: Floats) -> Floats:
    """Return what the median is multiplied by where the odds over LUCK_S are."""
    known = ndtr(np.log(median_s / LUCK_S) / SLOWNESS)
    lucky = odds * known / (1 - known + odds * known)
    return np.asarray(np.exp(SLOWNESS * (ndtri(lucky) - ndtri(known))))
