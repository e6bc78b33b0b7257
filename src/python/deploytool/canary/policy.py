"""What a canary is allowed to risk, and how long it may take; defaults stand in the declaration."""

import math
from typing import Annotated, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from deploytool.canary.observation import Frozen
from deploytool.system.policy import CanaryPolicy, WhatOfClientErrors, WhenHeld

Share = Annotated[float, Field(gt=0, lt=1)]

LEAST_STEP_S = 5.0
"""Shortest stay at a step where nobody is served and nothing else is declared."""
LEAST_IN_ALL_S = 600.0
"""All steps' together where there are visitors: caches run full and pools empty in minutes."""

_CAP = 10.0
# Failures that come in clusters make single blocks look worse than they are; measured: of healthy
# canaries with clusters of 2 to 10 failures 0.1 to 0.7 % are rolled back, at 10 up to 4.9 %.
_CAP_FOR_CLUSTERS = 4.65


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
    latency_floor_s: Annotated[float, Field(ge=0)]
    """A canary that is slower by no more is no regression: people would not notice."""
    client_errors: WhatOfClientErrors
    """Whether answers 4xx are a metric."""
    are_answers_checked: bool = False
    """Whether the tool's own load compares the answers of two different revisions with what is
    expected of them."""
    answer_within_s: PositiveFloat = 30.0
    """Longest time in which a request ends: what is missing for longer than that is lost."""
    business: tuple[str, ...]
    """Names of the business metrics that are judged."""
    cluster_size: Annotated[float, Field(ge=1)]
    """Requests that fail together, on average: those of one visitor that stays with a version."""
    latency_weight: Share = 0.25
    """Share of alpha that latency gets, of what business metrics and checked answers leave."""
    client_error_weight: Share = 0.07
    """Share of alpha that client errors get, of the same."""
    redirect_weight: Share = 0.03
    """Share of alpha that redirects get, of the same; errors have the rest."""
    business_weight: Share = 0.2
    """Share of alpha that business metrics get together, if there are any."""
    answer_weight: Share = 0.1
    """Share of alpha that checked answers get, if any are."""
    least_step_s: PositiveFloat | tuple[PositiveFloat, ...]
    """Shortest stay at a step, for all steps or for the last ones: a single busy poll must not
    decide on a step, and a fault that comes late must have its time."""
    least_step_requests: NonNegativeInt
    """Canary requests that a step needs at least before it is passed."""
    step_deadline_s: PositiveFloat
    """Longest stay at a step, if the shortest is not longer; after it the canary is held, never
    promoted."""
    when_held: WhenHeld
    """What to do then: wait for a person, or take the canary back."""
    least_block_requests: PositiveInt = 50
    """Polls are merged until both arms have so many requests together."""
    warm_up_polls: NonNegativeInt
    """First polls of the canary that are not judged: caches and pools are cold."""

    @classmethod
    def of(
        cls,
        declared: CanaryPolicy,
        *,
        steps: int | None = None,
        has_visitors: bool = False,
        answer_within_s: float = 30.0,
        are_answers_checked: bool = False,
    ) -> Self:
        """Take what a component's declaration says; its warm-up counts in polls from here on.

        steps: how many there are, if not those declared. has_visitors: of the target.
        """
        in_all = steps or len(declared.steps)
        default_s = LEAST_IN_ALL_S / in_all if has_visitors else LEAST_STEP_S
        return cls(
            alpha=declared.alpha,
            alpha_promotion=declared.alpha_promotion,
            tolerance=declared.tolerance,
            latency_ratio=declared.latency_ratio,
            latency_floor_s=declared.latency_floor_ms / 1000,
            client_errors=declared.client_errors,
            are_answers_checked=are_answers_checked,
            answer_within_s=answer_within_s,
            business=tuple(each.name for each in declared.business),
            cluster_size=declared.requests_failing_together,
            least_step_s=declared.least_step_s or default_s,
            least_step_requests=declared.least_step_requests,
            step_deadline_s=declared.step_deadline_s,
            when_held=declared.when_held,
            warm_up_polls=math.ceil(declared.warm_up_s / declared.poll_s),
        )

    def least_at_s(self, steps_left: int) -> float:
        """Return the shortest stay at a step with so many steps after it.

        Counted from the last step, as the gates are: fewer steps than declared leave out the first.
        """
        if isinstance(self.least_step_s, tuple):
            return self.least_step_s[max(0, len(self.least_step_s) - 1 - steps_left)]
        return self.least_step_s

    def most_at_s(self, steps_left: int) -> float:
        """Return the longest stay there: what must last is not held before it has lasted."""
        return max(self.step_deadline_s, self.least_at_s(steps_left))

    @property
    def gates(self) -> tuple[float, float, float]:
        """Return the bounds to pass the last step, the one before it, and any earlier one."""
        once, twice, five_times = (min(0.5, times * self.tolerance) for times in (1, 2, 5))
        return once, twice, five_times

    @property
    def cap(self) -> float:
        """The most that one block may multiply the evidence by."""
        return _CAP_FOR_CLUSTERS if self.cluster_size > 1 else _CAP

    def error_cap(self, limit: float) -> float:
        """Return the cap for errors, whose evidence ends at limit: no block decides alone."""
        return min(self.cap, math.sqrt(limit)) if self.cluster_size > 1 else math.sqrt(limit)

    @property
    def clusters(self) -> float:
        """By how much clusters inflate the variance of a count of failures.

        For cluster sizes that are geometric with mean m: E[size^2] / E[size] = 2 m - 1.
        """
        return 2 * self.cluster_size - 1
