"""The test of the canary's share over many runs at once: the product's ShareEvidence in arrays."""

import math

import numpy as np
from scipy.special import betaln

from benchmarks.canary_verdict.rollback import Bools, Floats
from benchmarks.canary_verdict.traffic import Poll
from deploytool.canary.share import CONCENTRATION, ShareEvidence


class Shares:
    """As many tests as there are runs, all begun like `start`."""

    def __init__(self, start: ShareEvidence, runs: int) -> None:
        self.start = start
        self.share: float | None = start.share
        self.canary = np.zeros(runs, dtype=np.int64)
        self.requests = np.zeros(runs, dtype=np.int64)
        self.log_e_before: Floats = np.zeros(runs)

    def take_in(self, block: Poll, runs: Bools) -> None:
        """Take in one block of some runs; where another share was set, begin a new factor."""
        if block.share != self.share:
            self.log_e_before, self.share = self.log_e, block.share
            self.canary = np.zeros_like(self.canary)
            self.requests = np.zeros_like(self.requests)
        self.canary += block.canary.ended * runs
        self.requests += block.requests * runs

    @property
    def log_e(self) -> Floats:
        if self.share is None:
            return self.log_e_before
        stable = self.requests - self.canary
        prior_c, prior_s = CONCENTRATION * self.share, CONCENTRATION * (1 - self.share)
        growth = betaln(prior_c + self.canary, prior_s + stable) - betaln(prior_c, prior_s)
        null = self.canary * math.log(self.share) + stable * math.log(1 - self.share)
        return np.asarray(self.log_e_before + growth - null)

    @property
    def is_reached(self) -> Bools:
        return np.asarray(self.log_e >= math.log(self.start.limit))
