"""What a canary is allowed to risk, and how long it may take; defaults stand in the declaration."""

import math
from typing import Annotated, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from deploytool.canary.observation import Frozen
from deploytool.system.declaration import CanaryPolicy

Share = Annotated[float, Field(gt=0, lt=1)]


class VerdictPolicy(Frozen):
    """The settings of the verdict; fractions are 0-1, times seconds."""

    alpha: Share
    """Chance that a healthy canary is rolled back, over the whole canary however often it is
    looked at."""
    alpha_promotion: Share
    """Chance that a canary worse by `tolerance` or more all through the last step is promoted."""
    tolerance: Share
    """Failure rate above stable's that promotion must rule out; 2 % would let a rise from 0.1 to
    1 % pass in a third of the canaries."""
    latency_ratio: Annotated[float, Field(ge=1)]
    """Odds ratio of slow requests that is tolerated: about 10 % more in the median."""
    error_weight: Share = 0.7
    """Share of alpha that errors get; latency has the rest."""
    least_step_s: PositiveFloat
    """Shortest stay at a step: a single busy poll must not decide on a step."""
    step_deadline_s: PositiveFloat
    """Longest stay at a step; after it the canary is held, never promoted."""
    least_block_requests: PositiveInt = 50
    """Polls are merged until both arms have so many requests together."""
    warm_up_polls: NonNegativeInt
    """First polls of the canary that are not judged: caches and pools are cold."""

    @classmethod
    def of(cls, declared: CanaryPolicy) -> Self:
        """Take what a component's declaration says; its warm-up counts in polls from here on."""
        return cls(
            alpha=declared.alpha,
            alpha_promotion=declared.alpha_promotion,
            tolerance=declared.tolerance,
            latency_ratio=declared.latency_ratio,
            least_step_s=declared.least_step_s,
            step_deadline_s=declared.step_deadline_s,
            warm_up_polls=math.ceil(declared.warm_up_s / declared.poll_s),
        )

    @property
    def gates(self) -> tuple[float, float, float]:
        """Return the bounds to pass the last step, the one before it, and any earlier one."""
        once, twice, five_times = (min(0.5, times * self.tolerance) for times in (1, 2, 5))
        return once, twice, five_times
