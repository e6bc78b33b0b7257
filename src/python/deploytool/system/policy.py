"""The declared canary policy of a service: its steps, risks, metrics and routing for people."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator

from deploytool.system.declared import Declared, Seconds, UrlPath

Percent = Annotated[int, Field(ge=1, le=99)]
# A counter's name and some of its labels: reservations_total{state="confirmed"}
Series = Annotated[str, Field(pattern=r'^[a-zA-Z_:][\w:]*(\{\w+="[^"]*"(,\s*\w+="[^"]*")*\})?$')]
# One time for all steps, or a list that ends with the last step's.
LeastTimes = Annotated[
    Annotated[Seconds, Tag("one")] | Annotated[tuple[Seconds, ...], Tag("each")],
    Discriminator(lambda times: "each" if isinstance(times, list | tuple) else "one"),
]
# Answers 4xx are a metric of their own, or nobody's business: a version changes them on purpose.
WhatOfClientErrors = Literal["judge", "ignore"]
# What becomes of a canary that is held: it waits for a person, or is taken back.
WhenHeld = Literal["wait", "abort"]
JUDGED_ANYWAY = ("errors", "latency", "client errors", "redirects", "answers as expected")
"""The names of the metrics that need no declaration."""
# A token as HTTP has it, but for the backtick, which ends a text in the router's rules.
Token = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_|~-]{1,64}$")]


class BusinessMetric(Declared):
    """A ratio of two counters of the service's own that a canary must not lower.

    They count different events, each started by a request of its own; no event is in both.
    """

    name: str = Field(min_length=1, max_length=80)
    # Where the service shows its counters as Prometheus text.
    path: UrlPath = "/metrics"
    # What should happen often, in relation to `per`: a counter, or some of its series.
    count: Series
    per: Series

    @field_validator("name")
    @classmethod
    def _is_not_taken(cls, name: str) -> str:
        if name in JUDGED_ANYWAY:
            raise ValueError(f"{name} is judged anyway: choose another name")
        return name


class CanaryPolicy(Declared):
    """How a service's canary is stepped and judged. docs/canary.md says how to choose."""

    # Percent of the requests, step by step; the last step decides on promotion.
    steps: tuple[Percent, ...] = (10, 25, 50)
    # Bound on the chance that a canary no worse than stable is ever rolled back.
    alpha: float = Field(default=0.01, gt=0, lt=0.5)
    # Bound on the chance that a canary worse by the tolerance is promoted.
    alpha_promotion: float = Field(default=0.05, gt=0, lt=0.5)
    # Error rate that the canary may have above stable's, as a share (0.01 = 1 %).
    tolerance: float = Field(default=0.01, gt=0, le=0.5)
    # Ratio of slow requests that is still no regression.
    latency_ratio: float = Field(default=1.25, ge=1, le=10)
    # A canary that is slower by no more than that, in milliseconds, is no regression.
    latency_floor_ms: float = Field(default=25, ge=0, le=60_000)
    client_errors: WhatOfClientErrors = "judge"
    business: tuple[BusinessMetric, ...] = ()
    # How many requests fail together, on average, where one failure brings others with it (a
    # visitor who stays with a version, retries). More than 1 asks for more evidence.
    requests_failing_together: float = Field(default=1, ge=1, le=100)
    poll_s: Seconds = 1.0
    warm_up_s: Seconds = 2.0
    # None: by whether the target has visitors.
    least_step_s: LeastTimes | None = None
    # Canary requests without which no step is passed.
    least_step_requests: int = Field(default=50, ge=0, le=1_000_000)
    # A step that brings no decision until then is held: neither promoted nor rolled back.
    step_deadline_s: Seconds = 300.0
    when_held: WhenHeld = "wait"
    # Request header that says `always` or `never` to the canary; such requests are not judged.
    header: Token | None = None
    # Cookie that keeps a visitor at one version while a canary lasts. Then `alpha_promotion` only
    # holds with `requests_failing_together` above 1, which must stand before it in this class.
    sticky_cookie: Token | None = None

    @field_validator("steps")
    @classmethod
    def _rise(cls, steps: tuple[int, ...]) -> tuple[int, ...]:
        if not steps or any(a >= b for a, b in pairwise(steps)):
            raise ValueError("steps are percentages that rise, for example [10, 25, 50]")
        return steps

    @field_validator("least_step_s", mode="before")
    @classmethod
    def _is_for_each_step(cls, times: object, policy: ValidationInfo) -> object:
        steps = policy.data.get("steps", ())
        if isinstance(times, list | tuple) and steps and len(times) != len(steps):
            raise ValueError(
                f"times: {len(times)}, steps: {len(steps)}; name one number for all steps, or a "
                "list of one for each"
            )
        return times

    @field_validator("client_errors", mode="before")
    @classmethod
    def _is_no_boolean(cls, said: object) -> object:
        if isinstance(said, bool):
            raise ValueError(
                "answers 4xx are always judged, as a metric of their own: leave it out, or write "
                "`client_errors: ignore` where a version changes them on purpose"
            )
        return said

    @field_validator("sticky_cookie")
    @classmethod
    def _heeds_clusters(cls, cookie: str | None, policy: ValidationInfo) -> str | None:
        if cookie is not None and policy.data.get("requests_failing_together") == 1:
            raise ValueError(
                "a visitor who stays with a version fails more than once there: say how often on "
                "average in requests_failing_together, for example 3"
            )
        return cookie

    @field_validator("business")
    @classmethod
    def _differ(cls, business: tuple[BusinessMetric, ...]) -> tuple[BusinessMetric, ...]:
        if len({metric.name for metric in business}) < len(business):
            raise ValueError("two business metrics have the same name")
        return business
