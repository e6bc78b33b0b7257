"""Evidence that the canary's requests do not end: its share of those that ended, tested.

A router counts a request when it ends, so one that never does is in no count of failures. But it is
missing in the canary's share, which was set. The evidence is the Bayes factor of a Beta prior
around the set share against that share; while requests are shared out as was set, it ever reaches
1/alpha with a chance of at most alpha. A smooth round robin deviates less than chance, safely so.

Source: Lindon and Malek, Anytime-valid inference for multinomial count data (NeurIPS 2022, arXiv
2011.03567), with two categories. A share that changes begins a new factor; factors are multiplied.
"""

import math
from typing import Self

from pydantic import NonNegativeInt

from deploytool.canary.observation import Frozen, Observation

CONCENTRATION = 100.0
"""The prior's weight, in requests; it suits a canary of 10 % that lacks a third of its requests."""


class ShareEvidence(Frozen):
    """The process; nothing is known while no share was set.

    share: of the present factor; requests, canary: that ended in it. log_e_before: of all earlier
    factors. reached_s: for how long, in seconds of what was judged, the limit has been reached.
    settle_s: how long after a change of the share requests of before it still end; settling_s: what
    is left of that.
    """

    limit: float
    share: float | None = None
    canary: NonNegativeInt = 0
    requests: NonNegativeInt = 0
    log_e_before: float = 0.0
    reached_s: float = 0.0
    settle_s: float = 0.0
    settling_s: float = 0.0

    def after(self, block: Observation) -> Self:
        """Take in one block; one without a share that was set changes nothing."""
        share = block.share
        if share is None or not 0 < share < 1:
            return self
        if self.settling_s > 0:
            left_s = max(0.0, self.settling_s - block.seconds)
            return self.model_copy(update={"settling_s": left_s})
        begun = self if share == self.share else self._with_factor(share)
        taken = begun.model_copy(
            update={
                "canary": begun.canary + block.canary.ended,
                "requests": begun.requests + block.requests,
            }
        )
        reached_s = self.reached_s + block.seconds if taken.is_reached else 0.0
        return taken.model_copy(update={"reached_s": reached_s})

    def begun_anew(self) -> Self:
        """Give what is missing its time once more: a person, or a new step, wants to go on."""
        return self.model_copy(update={"reached_s": 0.0, "settling_s": self.settle_s})

    @property
    def log_e(self) -> float:
        """Natural logarithm of the e-value."""
        if self.share is None:
            return 0.0
        stable = self.requests - self.canary
        prior_c, prior_s = CONCENTRATION * self.share, CONCENTRATION * (1 - self.share)
        return (
            self.log_e_before
            + _log_beta(prior_c + self.canary, prior_s + stable)
            - _log_beta(prior_c, prior_s)
            - self.canary * math.log(self.share)
            - stable * math.log(1 - self.share)
        )

    @property
    def is_reached(self) -> bool:
        """Tell whether the shares are not what was set, for now: what ends late may make up."""
        return self.log_e >= math.log(self.limit)

    def _with_factor(self, share: float) -> Self:
        return self.model_copy(
            update={"share": share, "canary": 0, "requests": 0, "log_e_before": self.log_e}
        )


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
