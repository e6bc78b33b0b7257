"""How a rate that both versions have in common moves, in simulations of many canaries at once."""

from collections.abc import Callable, Iterator
from itertools import count

import numpy as np
from numpy.random import Generator

from benchmarks.canary_verdict.rollback import Floats

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


def outage(rate: float, begin: int, polls: int) -> Rates:
    """For so many polls from `begin` on, nine in ten fail; else the rate is constant."""

    def rates(_: Generator, runs: int) -> Iterator[Floats]:
        for poll in count():
            yield np.full(runs, 0.9 if begin <= poll < begin + polls else rate)

    return rates
