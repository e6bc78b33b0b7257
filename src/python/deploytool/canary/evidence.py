"""The evidence against a canary in one metric: an exact conditional e-process.

Given a block's hits k of both arms and the arms' sizes, the canary's hits are hypergeometric if
both versions behave alike, whatever the common rate is and however it moves. The process bets on
odds ratios canary:stable above the tolerated one; under the null hypothesis (odds ratio at most
`tolerated` in every block) its expected growth is at most 1, so by Ville's inequality it ever
reaches `limit` with probability at most 1 / limit. Look as often as you like.

Source: docs/canary.md, "Rollback". All in logs: a long healthy canary reaches e^-7500.
"""

import math
from collections.abc import Sequence
from typing import Self

from deploytool.canary.observation import Frozen, Number, Table

ROUNDING = 1e-12
"""The cap lands on the limit exactly, up to rounding."""


class RollbackProcess(Frozen):
    """Capital on each bet, in logs; the first bet is cash (odds ratio = tolerated: never moves).

    tolerated: odds ratio up to which the canary may be worse. limit: e-value that rejects.
    cap: the most that one block may multiply the capital by. prior: how cash is invested.
    """

    tolerated: float
    limit: float
    cap: Number
    prior: tuple[float, ...]
    log_multiples: tuple[float, ...]
    log_capital: tuple[Number, ...]

    @classmethod
    def start(
        cls,
        *,
        multiples: Sequence[float],
        prior: Sequence[float],
        limit: float,
        cap: float = math.inf,
        tolerated: float = 1.0,
        reserve: float = 0.0,
    ) -> Self:
        """Spread a capital of 1: `reserve` as cash, the rest on `multiples` of tolerated."""
        return cls(
            tolerated=tolerated,
            limit=limit,
            cap=cap,
            prior=tuple(prior),
            log_multiples=(0.0, *map(math.log, multiples)),
            log_capital=(_log(reserve), *(_log(p * (1 - reserve)) for p in prior)),
        )

    @property
    def log_e(self) -> float:
        """Natural logarithm of the e-value."""
        return log_sum_exp(self.log_capital)

    @property
    def is_rejected(self) -> bool:
        """Tell whether the evidence has reached its limit; final."""
        return self.log_e >= math.log(self.limit) - ROUNDING

    def invested(self, share: float) -> Self:
        """Move a share (0-1) of the cash to the bets; e stays what it is.

        Bets that lost everything on an early step cannot see a regression on a later one: cash can.
        """
        log_cash, *log_bets = self.log_capital
        moved = log_cash + _log(share)
        bets = [
            log_sum_exp((log_bet, moved + _log(p)))
            for log_bet, p in zip(log_bets, self.prior, strict=True)
        ]
        return self.model_copy(update={"log_capital": (log_cash + _log(1 - share), *bets)})

    def after(self, table: Table) -> Self:
        """Take in one block; without information (no hits, only hits, one arm) nothing changes."""
        hits = table.x_c + table.x_s
        if self.is_rejected or not (table.n_c and table.n_s and 0 < hits < table.n_c + table.n_s):
            return self
        lowest = max(0, hits - table.n_s)
        outcomes = range(lowest, min(hits, table.n_c) + 1)
        log_ways = [_log_choose(table.n_c, x) + _log_choose(table.n_s, hits - x) for x in outcomes]
        log_t = math.log(self.tolerated)
        log_null, null_total = _tilted(log_ways, outcomes, log_t)
        offsets = [
            null_total - _tilted(log_ways, outcomes, log_t + multiple)[1]
            for multiple in self.log_multiples
        ]
        log_e = self.log_e
        log_f = [
            log_sum_exp(
                [
                    capital - log_e + x * multiple + offset
                    for capital, multiple, offset in zip(
                        self.log_capital, self.log_multiples, offsets, strict=True
                    )
                ]
            )
            for x in outcomes
        ]
        log_cap = min(math.log(self.cap), math.log(self.limit) - log_e)
        seen = table.x_c - lowest
        log_growth = min(log_cap, log_f[seen] + _log_refund(log_null, log_f, log_cap))
        capital = tuple(
            capital + table.x_c * multiple + offset + log_growth - log_f[seen]
            for capital, multiple, offset in zip(
                self.log_capital, self.log_multiples, offsets, strict=True
            )
        )
        return self.model_copy(update={"log_capital": capital})


def log_sum_exp(logs: Sequence[float]) -> float:
    """Return log(sum(exp(logs))) without overflow; -inf for nothing."""
    highest = max(logs)
    if highest == -math.inf:
        return highest
    return highest + math.log(math.fsum(math.exp(each - highest) for each in logs))


def _log_refund(log_null: Sequence[float], log_f: Sequence[float], log_cap: float) -> float:
    """Return log B: what the other outcomes gain (B >= 1) from capping growth at the cap.

    f grows with the canary's hits, so the capped outcomes are the highest ones; B makes the
    expected growth under the null law 1 again: cap * T + B * S = 1.
    """
    if log_f[-1] <= log_cap:
        return 0.0
    below = 0.0
    expected_below = [0.0]  # sum of null * f over the outcomes under an index, smallest terms first
    for null, f in zip(log_null, log_f, strict=True):
        below += math.exp(null + f)
        expected_below.append(below)
    tail = 0.0
    for highest in range(len(log_f) - 1, 0, -1):
        tail += math.exp(log_null[highest])
        left = 1.0 - math.exp(log_cap + _log(tail))
        if left <= 0.0 or expected_below[highest] <= 0.0:
            break
        log_refund = math.log(left / expected_below[highest])
        if log_refund + log_f[highest - 1] <= log_cap:
            return max(0.0, log_refund)
    return 0.0  # only rounding leads here: not to refund is always valid


def _tilted(
    log_ways: Sequence[float], outcomes: Sequence[int], log_ratio: float
) -> tuple[list[float], float]:
    """Return log probabilities of the outcomes at an odds ratio, and their log total before."""
    weights = [ways + x * log_ratio for ways, x in zip(log_ways, outcomes, strict=True)]
    total = log_sum_exp(weights)
    return [weight - total for weight in weights], total


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf
