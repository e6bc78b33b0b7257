"""What a metric says of each arm, in words: the rate, its counts, and the interval around it."""

from dataclasses import dataclass

from deploytool.canary.figures import MetricFigures
from deploytool.canary.words import between, percent, ratio_between

NONE = "\N{EN DASH}"
"""Where there is no number."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One arm's rate. value: of failed or slow requests, or count per `per` of business metrics."""

    value: str
    counts: str
    interval: str


def rates_of(metric: MetricFigures) -> tuple[Rate, Rate]:
    """Return the canary's rate and stable's."""
    of = _ratio if metric.is_business else _share
    return (
        of(metric.canary_hits, metric.canary_requests, metric.canary_interval),
        of(metric.stable_hits, metric.stable_requests, metric.stable_interval),
    )


def _share(hits: int, requests: int, interval: tuple[float, float]) -> Rate:
    return Rate(
        value=percent(hits / requests) if requests else NONE,
        counts=f"{hits:,} of {requests:,}",
        interval=between(interval),
    )


def _ratio(per: int, events: int, interval: tuple[float, float]) -> Rate:
    count = events - per
    return Rate(
        value=f"{count / per:.2f}" if per else NONE,
        counts=f"{count:,} per {per:,}",
        interval=ratio_between(interval),
    )
