"""What else one could decide with, on the same polls.

Argo Rollouts and Flagger look once an interval at the canary's own success rate in it; traffic is
taken to be 10 requests a second. The settings are those their documentation shows:

- Argo Rollouts, "Analysis & Progressive Delivery": success rate >= 95 %. `failureLimit` is 0 unless
  set; the page's example has an interval of 5 minutes and a limit of 3. Both are run, the former
  with an interval of one minute.
- Flagger, "How it works" and "Metrics analysis": success rate >= 99 %, interval 1 minute, rolled
  back at the 10th failed check.

Neither says anything at rates it was not set for, and both would promote after some passed checks.
"""

import math
from typing import Protocol

import numpy as np

from benchmarks.canary_verdict.rollback import Bools, Floats, Tables

REQUESTS_A_SECOND = 10


class Rival(Protocol):
    """Decides about many runs at once."""

    name: str

    def take_in(self, poll: Tables) -> Bools:
        """Take in one poll; tell which runs are to be rolled back now."""


class Sprt:
    """Wald's sequential test with both rates known, never accepting: the least one can need."""

    def __init__(self, rate: float, bad_rate: float, alpha: float) -> None:
        self.name = "Wald's SPRT, both rates known"
        known = max(rate, 1e-12)  # at 0 the first failure decides
        self.failure = math.log(bad_rate / known)
        self.success = math.log((1 - bad_rate) / (1 - known))
        self.log_limit = math.log(1 / alpha)
        self.log_ratio: Floats = np.zeros(1)

    def take_in(self, poll: Tables) -> Bools:
        passed = poll.n_c - poll.x_c
        self.log_ratio = self.log_ratio + poll.x_c * self.failure + passed * self.success
        return np.asarray(self.log_ratio >= self.log_limit)


class ZTest:
    """The one-sided test of two proportions for a fixed sample, at alpha 0.01, at each poll."""

    def __init__(self) -> None:
        self.name = "z-test at each poll"
        self.seen: Tables | None = None

    def take_in(self, poll: Tables) -> Bools:
        self.seen = self.seen.plus(poll) if self.seen else poll
        n_c, x_c, n_s, x_s = self.seen
        rate = (x_c + x_s) / (n_c + n_s)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (x_c / n_c - x_s / n_s) / np.sqrt(rate * (1 - rate) * (1 / n_c + 1 / n_s))
        return np.asarray(z >= 2.3263)


class Threshold:
    """Counts intervals in which the canary's success rate was too low."""

    def __init__(self, name: str, least: float, interval_s: int, checks_to_fail: int) -> None:
        self.name = name
        self.most_failures = 1 - least
        self.interval_requests = interval_s * REQUESTS_A_SECOND
        self.checks_to_fail = checks_to_fail
        self.window: Tables | None = None
        self.failed_checks = np.zeros(1, dtype=np.int64)

    def take_in(self, poll: Tables) -> Bools:
        self.window = self.window.plus(poll) if self.window else poll
        n_c, x_c, n_s, _ = self.window
        if n_c[0] + n_s[0] >= self.interval_requests:
            self.failed_checks = self.failed_checks + (x_c > self.most_failures * n_c + 1e-9)
            self.window = None
        return np.broadcast_to(self.failed_checks >= self.checks_to_fail, n_c.shape)


def all_rivals(rate: float, bad_rate: float, alpha: float) -> list[Rival]:
    """Return each rival, fresh."""
    return [
        Sprt(rate, bad_rate, alpha),
        ZTest(),
        Threshold("Argo-like: 95 %, 1 min, failureLimit 0", 0.95, 60, 1),
        Threshold("Argo-like: 95 %, 5 min, failureLimit 3", 0.95, 300, 4),
        Threshold("Flagger-like: 99 %, 1 min, threshold 10", 0.99, 60, 10),
    ]
