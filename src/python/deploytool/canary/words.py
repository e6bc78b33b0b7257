"""Numbers of a verdict as people write them: one wording for sentences, views and reports."""

import math

from deploytool.canary.figures import MetricFigures


def percent(fraction: float) -> str:
    """Write a fraction as a percentage with two or three figures."""
    value = 100 * fraction
    digits = 1 if value >= 1 else 2
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") + " %"


def between(interval: tuple[float, float]) -> str:
    """Write in which rates (0-1) the true one lies."""
    low, high = map(percent, interval)
    return f"{low.removesuffix(' %')} to {high}"


def ratio_between(interval: tuple[float, float]) -> str:
    """Write in which ratios count : per the true one lies; interval: of the share of per."""
    low, high = ((1 - share) / share if share else math.inf for share in reversed(interval))
    return f"{low:.2f} to {high:.2f}" if math.isfinite(high) else f"at least {low:.2f}"


def metric_name(metric: MetricFigures) -> str:
    """Name a metric, with the bounds of latency."""
    if metric.bound_s is None or metric.stable_bound_s is None:
        return metric.metric
    name = f"latency over {duration(metric.bound_s)}"
    if metric.stable_bound_s == metric.bound_s:
        return name
    return f"{name} against {duration(metric.stable_bound_s)}"


def strength(e_value: float) -> str:
    """Write an e-value in as many figures as mean something."""
    if e_value >= 10_000:  # so far above any limit that digits say nothing
        return "over 10,000"
    if e_value >= 10:
        return f"{e_value:,.0f}"
    return "under 0.01" if e_value < 0.01 else f"{e_value:.2g}"


def duration(seconds: float) -> str:
    """Write a latency in the unit that people use for it."""
    if seconds >= 1:
        return f"{seconds:.3g} s"
    return f"{1000 * seconds:.0f} ms" if seconds >= 0.01 else f"{1000 * seconds:.2g} ms"


def wait(seconds: float) -> str:
    """Write how long something is going to take, roughly."""
    for unit_s, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:,.0f} {unit}"
    return f"{math.ceil(seconds)} s"


def period(seconds: float) -> str:
    """Write how long something took or has to take; from two minutes on, in minutes."""
    whole = round(seconds)
    return f"{whole} s" if whole < 120 else f"{seconds / 60:.3g} min"
