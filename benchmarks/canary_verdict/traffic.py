"""Simulated requests: what a service's failures and latency do, and how a router counts them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Self

import numpy as np
from numpy.random import Generator
from scipy.special import ndtr

from benchmarks.canary_verdict.rollback import Floats, Ints, Tables
from deploytool.canary.weights import router_weights

SLOWNESS = 0.6
"""Standard deviation of the log of the latency."""


class Poll(NamedTuple):
    """What one poll counted in many runs: failures, and requests slower than each bound."""

    errors: Tables
    slow: tuple[Tables, ...] = ()

    def plus(self, other: Self) -> Self:
        """Join two polls into one."""
        slow = (mine.plus(theirs) for mine, theirs in zip(self.slow, other.slow, strict=True))
        return type(self)(self.errors.plus(other.errors), tuple(slow))


class Traffic(Protocol):
    """Something that can be judged."""

    def polls(self, random: Generator, runs: int) -> Iterator[tuple[int, Poll]]:
        """Yield the polls, each with its step (0-based)."""


Rates = Callable[[Generator, int], Iterator[Floats]]
"""Draws a common failure rate for each run (or one for all), poll by poll."""


def constant(rate: float) -> Rates:
    """The rate stays what it is."""

    def rates(_: Generator, runs: int) -> Iterator[Floats]:
        while True:
            yield np.full(runs, rate)

    return rates


def spikes(low: float, high: float) -> Rates:
    """One poll in twenty fails at the high rate, at random."""

    def rates(random: Generator, runs: int) -> Iterator[Floats]:
        while True:
            yield np.where(random.random(runs) < 0.05, high, low)

    return rates


def walk(low: float, high: float) -> Rates:
    """The log of the rate does a random walk, reflected at its ends."""

    def rates(random: Generator, runs: int) -> Iterator[Floats]:
        width = np.log(high / low)
        position = random.uniform(0, width, runs)
        while True:
            yield low * np.exp(position)
            position = np.abs(position + random.normal(0, 0.3, runs))
            position = np.where(position > width, 2 * width - position, position)

    return rates


@dataclass(frozen=True)
class Latency:
    """Lognormal latency, judged at some bounds.

    slower: what the canary's median is multiplied by. moves: the median of both arms follows a
    random walk within a factor of 2.
    """

    bounds_s: tuple[float, ...]
    median_s: float
    slower: float = 1.0
    moves: bool = False

    def over(self, random: Generator, n_c: Ints, n_s: Ints, median_s: Floats) -> tuple[Tables, ...]:
        """Draw the requests over each bound, those over a higher one among those over a lower."""
        hits_c, hits_s = n_c, n_s
        share_c = share_s = np.ones(len(n_c))
        tables = []
        for bound_s in self.bounds_s:
            over_c = ndtr(np.log(self.slower * median_s / bound_s) / SLOWNESS)
            over_s = ndtr(np.log(median_s / bound_s) / SLOWNESS)
            hits_c = random.binomial(hits_c, over_c / share_c)
            hits_s = random.binomial(hits_s, over_s / share_s)
            share_c, share_s = over_c, over_s
            tables.append(Tables(n_c, hits_c, n_s, hits_s))
        return tuple(tables)

    def medians_s(self, random: Generator, runs: int) -> Iterator[Floats]:
        """Yield stable's median, poll by poll."""
        half, double = self.median_s / 2, self.median_s * 2
        return (walk(half, double) if self.moves else constant(self.median_s))(random, runs)


def failures(random: Generator, requests: Ints, rate: Floats, cluster_size: float = 1.0) -> Ints:
    """Draw the failed requests of an arm; clusters are geometric, of this size on average."""
    clusters = random.binomial(requests, rate / cluster_size)
    if cluster_size == 1:
        return clusters
    more = random.negative_binomial(np.maximum(1, clusters), 1 / cluster_size)
    return np.minimum(requests, np.where(clusters > 0, clusters + more, 0))


@dataclass(frozen=True)
class RandomRouting:
    """Every request is routed at random, in polls of one size; the steps are of equal length.

    worse_by: the canary's failure rate minus the common one. cluster_size: failures that come
    together on one arm.
    """

    rates: Rates
    poll: int
    worse_by: float = 0.0
    cluster_size: float = 1.0
    weights: tuple[float, ...] = (0.1,)
    requests: int = 20_000
    latency: Latency | None = None

    def polls(self, random: Generator, runs: int) -> Iterator[tuple[int, Poll]]:
        rates = self.rates(random, runs)
        medians_s = self.latency.medians_s(random, runs) if self.latency else None
        for step, weight in enumerate(self.weights):
            for _ in range(self.requests // len(self.weights) // self.poll):
                rate = next(rates)
                n_c = random.binomial(self.poll, weight, runs)
                n_s = self.poll - n_c
                x_c = failures(random, n_c, rate + self.worse_by, self.cluster_size)
                x_s = failures(random, n_s, rate, self.cluster_size)
                errors = Tables(n_c, x_c, n_s, x_s)
                if self.latency and medians_s:
                    slow = self.latency.over(random, n_c, n_s, next(medians_s))
                    yield step, Poll(errors, slow)
                else:
                    yield step, Poll(errors)


@dataclass(frozen=True)
class RoundRobin:
    """Requests come in a fixed cycle, one kind of which fails at 5 %; the router picks in turn.

    Each run begins anywhere in the router's own cycle. The router takes the backend with the
    earliest deadline, as Traefik does, with the weights that the product sends for a percentage.
    """

    cycle: int
    poll: int = 50
    percent: int = 10
    requests: int = 20_000

    def polls(self, random: Generator, runs: int) -> Iterator[tuple[int, Poll]]:
        stable, canary = router_weights(self.percent)
        to_canary = picks(stable, canary, stable + canary + self.requests)
        kind = np.arange(len(to_canary)) % self.cycle
        failing = random.integers(self.cycle, size=runs)
        begin = random.integers(stable + canary, size=runs)
        all_before = _before(to_canary[None, :])[0]
        failing_before = _before(kind == np.arange(self.cycle)[:, None])
        both_before = _before(to_canary & (kind == np.arange(self.cycle)[:, None]))
        for at in range(0, self.requests, self.poll):
            start, end = begin + at, begin + at + self.poll
            n_c = all_before[end] - all_before[start]
            may_fail = failing_before[failing, end] - failing_before[failing, start]
            may_fail_c = both_before[failing, end] - both_before[failing, start]
            x_c = random.binomial(may_fail_c, 0.05)
            x_s = random.binomial(may_fail - may_fail_c, 0.05)
            yield 0, Poll(Tables(n_c, x_c, self.poll - n_c, x_s))


def picks(stable: int, canary: int, requests: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return for each request whether a smooth round robin gives it to the canary."""
    stable_next, canary_next = 1 / stable, 1 / canary
    to_canary = np.zeros(requests, dtype=bool)
    for number in range(requests):
        if canary_next < stable_next:
            to_canary[number] = True
            canary_next += 1 / canary
        else:
            stable_next += 1 / stable
    return to_canary


def _before(is_counted: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Ints:
    """Count along each row what lies before each place, the end included."""
    counts = np.cumsum(is_counted, axis=1)
    return np.hstack([np.zeros((len(counts), 1), dtype=np.int64), counts])
