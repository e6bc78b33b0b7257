"""The rollback process over many runs at once: the product's RollbackProcess in arrays.

Ten thousand runs of hundreds of blocks are too many for the product's own class (0.1 to 2 ms a
block); that both are the same is measured in every scenario on a sample of runs.
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from deploytool.canary.evidence import ROUNDING, RollbackProcess
from deploytool.canary.observation import Table

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

AT_ONCE = 500
"""Runs whose arrays stay in the processor's cache; all at once is several times as slow."""
LOG_FACTORIALS: Floats = gammaln(np.arange(10_001) + 1.0)
"""Logarithms of factorials, up to the number of requests that a block may have."""


class Tables(NamedTuple):
    """Blocks of many runs: the columns of `Table`, an element a run."""

    n_c: Ints
    x_c: Ints
    n_s: Ints
    x_s: Ints

    def of(self, runs: Ints | Bools) -> Self:
        """Take some runs."""
        return type(self)(*(column[runs] for column in self))

    def one(self, run: int) -> Table:
        """Return one run's block as the product reads it."""
        return Table(*(int(column[run]) for column in self))

    def plus(self, other: Self) -> Self:
        """Join two periods into one."""
        return type(self)(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


@dataclass(frozen=True)
class Law:
    """What a block's sizes and hits say before the outcome is seen, a row a distinct block.

    Outcomes are numbered from the lowest possible. null: their chance if both arms are alike;
    above: the chance of an outcome or a higher one. growth: by bet, what each outcome multiplies
    its capital by; beyond the last outcome huge, for no refund ends there.
    """

    lowest: Ints
    last: Ints
    null: Floats
    above: Floats
    growth: Floats

    @classmethod
    def of(cls, n_c: Ints, n_s: Ints, hits: Ints, log_t: float, log_multiples: Floats) -> Self:
        lowest = np.maximum(0, hits - n_s)
        last = np.minimum(hits, n_c) - lowest
        number = np.arange(last.max() + 1)
        is_possible = number <= last[:, None]
        x = np.where(is_possible, lowest[:, None] + number, lowest[:, None])
        log_ways = _log_choose(n_c[:, None], x) + _log_choose(n_s[:, None], hits[:, None] - x)
        log_ways += x * log_t
        log_ways[~is_possible] = -np.inf
        log_total = log_sum(log_ways)
        log_tilted = log_ways[:, None, :] + x[:, None, :] * log_multiples[:, None]
        offsets = log_total[:, None] - log_sum(log_tilted)
        null = np.exp(log_ways - log_total[:, None])
        log_growth = x[:, None, :] * log_multiples[:, None] + offsets[:, :, None]
        return cls(
            lowest=lowest,
            last=last,
            null=null,
            above=np.cumsum(null[:, ::-1], axis=1)[:, ::-1],
            growth=np.exp(np.where(is_possible[:, None, :], log_growth, 600.0)),
        )


class Rollbacks:
    """As many processes as there are runs, all begun like `start`."""

    def __init__(self, start: RollbackProcess, runs: int) -> None:
        self.start = start
        self.log_capital = np.tile(np.array(start.log_capital), (runs, 1))
        self.log_multiples = np.array(start.log_multiples)
        self.log_e = log_sum(self.log_capital)

    @property
    def is_rejected(self) -> Bools:
        return np.asarray(self.log_e >= np.log(self.start.limit) - ROUNDING)

    def invest(self, share: float) -> None:
        """Move a share of the cash to the bets, as the product does at a new step."""
        log_cash = self.log_capital[:, :1]
        with np.errstate(divide="ignore"):
            moved = log_cash + np.log(share) + np.log(np.array(self.start.prior))
            left = log_cash + np.log(1 - share)
        bets = np.logaddexp(self.log_capital[:, 1:], moved)
        self.log_capital = np.hstack([left, bets])
        self.log_e = log_sum(self.log_capital)

    def take_in(self, block: Tables) -> None:
        """Take in one block of each run."""
        n_c, x_c, n_s, x_s = block
        hits = x_c + x_s
        is_telling = (n_c > 0) & (n_s > 0) & (hits > 0) & (hits < n_c + n_s) & ~self.is_rejected
        (runs,) = np.nonzero(is_telling)
        if not len(runs):
            return
        told = block.of(runs)
        size = int((told.n_c + told.n_s).max()) + 1
        keys = (told.n_c * size + told.n_s) * size + told.x_c + told.x_s
        distinct, row = np.unique(keys, return_inverse=True)
        law = Law.of(
            distinct // size**2,
            distinct // size % size,
            distinct % size,
            float(np.log(self.start.tolerated)),
            self.log_multiples,
        )
        seen = told.x_c - law.lowest[row]
        for begin in range(0, len(runs), AT_ONCE):
            some = slice(begin, begin + AT_ONCE)
            self._grow(runs[some], seen[some], law, row[some])

    def _grow(self, runs: Ints, seen: Ints, law: Law, row: Ints) -> None:
        log_capital, log_e = self.log_capital[runs], self.log_e[runs]
        share = np.exp(log_capital - log_e[:, None])
        growth = law.growth[row]
        f = np.einsum("rg,rgx->rx", share, growth)
        cap = np.exp(np.minimum(np.log(self.start.cap), np.log(self.start.limit) - log_e))
        every = np.arange(len(runs))
        total = f[every, seen]
        capped = np.flatnonzero(f[every, law.last[row]] > cap)
        refund = np.ones(len(runs))
        refund[capped] = _refund(law, row[capped], f[capped], cap[capped])
        log_growth = np.log(np.minimum(cap, refund * total)) - np.log(total)
        bets = growth[every, :, seen]
        log_capital = log_capital + np.log(bets) + log_growth[:, None]
        self.log_capital[runs], self.log_e[runs] = log_capital, log_sum(log_capital)


def _refund(law: Law, row: Ints, f: Floats, cap: Floats) -> Floats:
    """Return B of the product's _log_refund: of all splits that fit, the one that caps least."""
    if f.shape[1] == 1:
        return np.ones(len(row))
    null = law.null[row]
    below = np.cumsum(null * f, axis=1)[:, :-1]
    left = 1 - cap[:, None] * law.above[row][:, 1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        refund = left / below
        fits = (left > 0) & (below > 0) & (refund * f[:, :-1] <= cap[:, None])
    fits &= np.arange(1, f.shape[1]) <= law.last[row][:, None]
    highest = fits.shape[1] - 1 - np.argmax(fits[:, ::-1], axis=1)
    found = refund[np.arange(len(row)), highest]
    return np.where(fits.any(axis=1), np.maximum(1.0, found), 1.0)


def _log_choose(n: Ints, k: Ints) -> Floats:
    return np.asarray(LOG_FACTORIALS[n] - LOG_FACTORIALS[k] - LOG_FACTORIALS[n - k])


def log_sum(logs: Floats) -> Floats:
    """Return log(sum(exp(logs))) over the last axis."""
    highest = logs.max(axis=-1, keepdims=True)
    return np.asarray(highest[..., 0] + np.log(np.exp(logs - highest).sum(axis=-1)))
