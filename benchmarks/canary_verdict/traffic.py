"""Simulated requests: how they end, and how a router shares them out and counts them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, Self

import numpy as np
from numpy.random import Generator

from benchmarks.canary_verdict.latency import Latency
from benchmarks.canary_verdict.rates import Rates
from benchmarks.canary_verdict.rollback import Floats, Ints, Tables
from deploytool.canary.weights import router_weights


class Arm(NamedTuple):
    """One version's requests in a poll of many runs, an element a run.

    ended: all of them. The next five: those that did not end well, by how they ended; late and soon
    are those whose clients gave up. wrong: those that seem to have succeeded, and whose answers are
    not what the tool's own load expects. slow: over each of the bounds that latency is judged at.
    """

    ended: Ints
    failed: Ints
    client_errors: Ints
    redirects: Ints
    late: Ints
    soon: Ints
    wrong: Ints
    slow: tuple[Ints, ...]

    @property
    def answered(self) -> Ints:
        return self.ended - self.late - self.soon

    @property
    def unexpected(self) -> Ints:
        return self.failed + self.wrong

    @property
    def succeeded(self) -> Ints:
        return self.answered - self.failed - self.client_errors - self.redirects

    def plus(self, other: Self) -> Self:
        """Join two polls into one."""
        return type(self)(
            ended=self.ended + other.ended,
            failed=self.failed + other.failed,
            client_errors=self.client_errors + other.client_errors,
            redirects=self.redirects + other.redirects,
            late=self.late + other.late,
            soon=self.soon + other.soon,
            wrong=self.wrong + other.wrong,
            slow=tuple(mine + theirs for mine, theirs in zip(self.slow, other.slow, strict=True)),
        )


class Poll(NamedTuple):
    """The counts of one poll, of many runs. share: what the router was told to give the canary."""

    canary: Arm
    stable: Arm
    share: float

    @property
    def requests(self) -> Ints:
        return self.canary.ended + self.stable.ended

    @property
    def failures(self) -> Tables:
        """Failures among what was answered: what is judged where nobody gives up."""
        canary, stable = self.canary, self.stable
        return Tables(canary.answered, canary.failed, stable.answered, stable.failed)

    def plus(self, other: Self) -> Self:
        """Join two polls into one."""
        return type(self)(
            self.canary.plus(other.canary), self.stable.plus(other.stable), self.share
        )


class Traffic(Protocol):
    """Something that can be judged."""

    def polls(self, random: Generator, runs: int) -> Iterator[tuple[int, Poll]]:
        """Yield the polls, each with its step (0-based)."""


def failures(random: Generator, requests: Ints, rate: Floats, cluster_size: float = 1.0) -> Ints:
    """Draw the failed requests of an arm; clusters are geometric, of this size on average."""
    clusters = random.binomial(requests, rate / cluster_size)
    if cluster_size == 1:
        return clusters
    more = random.negative_binomial(np.maximum(1, clusters), 1 / cluster_size)
    return np.minimum(requests, np.where(clusters > 0, clusters + more, 0))


Kind = Literal["client_errors", "redirects", "late", "soon", "wrong"]
"""A field of `Arm`."""


@dataclass(frozen=True)
class Answers:
    """How many requests end in one of the ways that the router does not take for failures.

    rates: for both versions, of the requests left over by the kinds before.
    worse_by: the canary's rate minus that.
    """

    kind: Kind
    rates: Rates
    worse_by: float = 0.0


@dataclass(frozen=True)
class RandomRouting:
    """Every request is routed at random, in polls of one size; the steps are of equal length.

    worse_by: the canary's failure rate minus the common one. cluster_size: failures that come
    together on one arm. vanishing: share of the canary's requests that never end.
    """

    rates: Rates
    poll: int
    worse_by: float = 0.0
    cluster_size: float = 1.0
    weights: tuple[float, ...] = (0.1,)
    requests: int = 20_000
    latency: Latency | None = None
    others: tuple[Answers, ...] = ()
    vanishing: float = 0.0

    def polls(self, random: Generator, runs: int) -> Iterator[tuple[int, Poll]]:
        common = self.rates(random, runs)
        others = [(each, each.rates(random, runs)) for each in self.others]
        slow = self.latency.of(random, runs) if self.latency else None
        for step, weight in enumerate(self.weights):
            if slow:
                slow.begin_step(step)
            for _ in range(self.requests // len(self.weights) // self.poll):
                rate = next(common)
                now = [(each, next(rates)) for each, rates in others]
                n_c = random.binomial(self.poll, weight, runs)
                n_s = self.poll - n_c
                if self.vanishing:
                    n_c = n_c - random.binomial(n_c, self.vanishing)
                x_c = failures(random, n_c, _share(rate + self.worse_by), self.cluster_size)
                x_s = failures(random, n_s, rate, self.cluster_size)
                worse = [(each.kind, _share(rate + each.worse_by)) for each, rate in now]
                canary = _ended(random, n_c, x_c, worse)
                stable = _ended(random, n_s, x_s, [(each.kind, rate) for each, rate in now])
                if slow:
                    slow_c, slow_s = slow.over(n_c, n_s)
                    canary, stable = canary._replace(slow=slow_c), stable._replace(slow=slow_s)
                yield step, Poll(canary, stable, weight)


def _ended(
    random: Generator, requests: Ints, failed: Ints, others: Sequence[tuple[Kind, Floats]] = ()
) -> Arm:
    """Draw how the requests that did not fail ended."""
    left = requests - failed
    counts: dict[Kind, Ints] = {}
    for kind, rate in others:
        counts[kind] = random.binomial(left, rate)
        left = left - counts[kind]
    none = np.zeros_like(requests)
    return Arm(
        ended=requests,
        failed=failed,
        client_errors=counts.get("client_errors", none),
        redirects=counts.get("redirects", none),
        late=counts.get("late", none),
        soon=counts.get("soon", none),
        wrong=counts.get("wrong", none),
        slow=(),
    )


def _share(rate: Floats) -> Floats:
    return np.clip(rate, 0.0, 1.0)


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
            arms = _ended(random, n_c, x_c), _ended(random, self.poll - n_c, x_s)
            yield 0, Poll(*arms, canary / (stable + canary))


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
