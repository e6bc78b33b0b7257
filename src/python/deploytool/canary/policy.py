"""What a canary is allowed to risk, and how long it may take."""

from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from deploytool.canary.observation import Frozen

Share = Annotated[float, Field(gt=0, lt=1)]


class VerdictPolicy(Frozen):
    """The settings of the verdict; fractions are 0-1, times seconds."""

    alpha: Share = 0.01
    """Chance that a healthy canary is rolled back, over the whole canary however often it is
    looked at."""
    alpha_promotion: Share = 0.05
    """Chance that a canary worse by `tolerance` or more all through the last step is promoted."""
    tolerance: Share = 0.01
    """Failure rate above stable's that promotion must rule out; 2 % would let a rise from 0.1 to
    1 % pass in a third of the canaries."""
    latency_ratio: Annotated[float, Field(ge=1)] = 1.25
    """Odds ratio of slow requests that is tolerated: about 10 % more in the median."""
    error_weight: Share = 0.7
    """Share of alpha that errors get; latency has the rest."""
    least_step_s: PositiveFloat = 10.0
    """Shortest stay at a step: a single busy poll must not decide on a step."""
    step_deadline_s: PositiveFloat = 600.0
    """Longest stay at a step; after it the canary is held, never promoted."""
    least_block_requests: PositiveInt = 50
    """Polls are merged until both arms have so many requests together."""
    warm_up_polls: NonNegativeInt = 3
    """First polls of the canary that are not judged: caches and pools are cold."""

    @property
    def gates(self) -> tuple[float, float, float]:
        """Return the bounds to pass the last step, the one before it, and any earlier one."""
        once, twice, five_times = (min(0.5, times * self.tolerance) for times in (1, 2, 5))
        return once, twice, five_times
