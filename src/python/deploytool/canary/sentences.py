"""The verdict in words, for a person: the metric, the counts, and what is missing."""

import math

from deploytool.canary.figures import ArmFigures, Figures, MetricFigures
from deploytool.canary.latency import COMPARABLE_LOAD
from deploytool.canary.policy import VerdictPolicy

_IN_MINUTES_FROM_S = 120


def rollback(figures: Figures) -> str:
    """Say what the canary did worse than stable."""
    evidence = f"{figures.e_value:,.0f} reached its limit of {_limit(figures)}"
    return f"{_worst(figures)}; evidence {evidence}"


def doubted(figures: Figures, alpha_promotion: float) -> str:
    """Say what speaks against the canary though it has proved what the step asks for."""
    return (
        f"{_worst(figures)}; evidence {strength(figures.e_value)} of {_limit(figures)}:"
        f" no step is passed unless below {1 / alpha_promotion:,.0f}"
    )


def passed(figures: Figures, alpha_promotion: float) -> str:
    """Say what the canary has proved at this step."""
    canary, stable = figures.at_step.canary, figures.at_step.stable
    return (
        f"errors: {_share(canary.errors, canary.requests)} canary requests failed"
        f" against {_share(stable.errors, stable.requests)} stable requests;"
        f" {percent(1 - alpha_promotion)} sure that the canary is worse by less than"
        f" {percent(figures.upper_bound)} ({percent(figures.gate)} allowed);"
        f" {_no_evidence(figures)}"
    )


def early(figures: Figures, policy: VerdictPolicy, least_s: float) -> str:
    """Say that only the time or the traffic at this step is missing. least_s: of this step."""
    least = (
        f"at least {policy.least_step_requests:,} canary requests"
        if figures.at_step.canary.requests < policy.least_step_requests
        else f"at least {period(least_s)}"
    )
    return (
        f"{_failures(figures.at_step.canary)} bounds the difference below"
        f" {percent(figures.upper_bound)} ({percent(figures.gate)} allowed);"
        f" the step takes {least}"
    )


def missing(figures: Figures) -> str:
    """Say what is missing for this step to be passed."""
    canary, stable = figures.at_step.canary, figures.at_step.stable
    for arm, counted in (("canary", canary), ("stable", stable)):
        if not counted.requests:
            waiting = f"{figures.pending_requests:,} requests of both arms wait to fill a block"
            return f"no {arm} request was judged at this step ({waiting}): silence is not health"
    bound = (
        f"{_failures(canary)} bounds the difference below {percent(figures.upper_bound)}"
        if figures.upper_bound < 1
        else f"{_failures(canary)} does not bound the difference yet"
    )
    if figures.canary_requests_needed is None:
        return (
            f"{bound}; {percent(figures.gate)} is out of reach while canary requests fail at"
            f" {percent(canary.error_rate or 0)} and stable requests at"
            f" {percent(stable.error_rate or 0)}"
        )
    return (
        f"{bound}; {percent(figures.gate)} needs about {figures.canary_requests_needed:,}"
        " canary requests"
    )


def percent(fraction: float) -> str:
    """Write a fraction as a percentage with two or three figures."""
    value = 100 * fraction
    digits = 1 if value >= 1 else 2
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") + " %"


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


def period(seconds: float) -> str:
    """Write how long something took; from two minutes on, in minutes."""
    whole = round(seconds)
    return f"{whole} s" if whole < _IN_MINUTES_FROM_S else f"{seconds / 60:.3g} min"


def unseen(observed_s: float) -> str:
    """Say what nobody can know of a canary that was observed for so long."""
    return (
        f"this canary was observed for {period(observed_s)}: "
        "what fails later than that was never seen"
    )


def _worst(figures: Figures) -> str:
    """Write in which metric the canary is worst, and how."""
    worst = figures.metrics[0]
    counts = _ratios(worst) if worst.is_business else _shares(worst)
    return f"{worst.metric}: {counts}{_detail(worst, figures)}"


def _limit(figures: Figures) -> str:
    return f"{figures.e_limit:,.0f}"


def _share(hits: int, requests: int) -> str:
    rate = f" ({percent(hits / requests)})" if requests else ""
    return f"{hits:,} of {requests:,}{rate}"


def _shares(worst: MetricFigures) -> str:
    """Write both arms' counts and rates, and between which rates the true ones are."""
    verb = "failed" if worst.bound_s is None else f"took over {duration(worst.bound_s)}"
    return (
        f"{worst.canary_hits:,} of {worst.canary_requests:,} canary requests {verb}"
        f" ({_known(worst.canary_hits, worst.canary_requests)}, 95 % interval"
        f" {_between(worst.canary_interval)})"
        f" against {worst.stable_hits:,} of {worst.stable_requests:,} stable requests"
        f" ({_known(worst.stable_hits, worst.stable_requests)}, {_between(worst.stable_interval)})"
    )


def _known(hits: int, requests: int) -> str:
    return percent(hits / requests) if requests else "nothing known"


def _between(interval: tuple[float, float]) -> str:
    low, high = map(percent, interval)
    return f"{low.removesuffix(' %')} to {high}"


def _ratios(worst: MetricFigures) -> str:
    """Write both arms' count : per, and between which ratios the true ones are."""
    canary = _ratio(worst.canary_hits, worst.canary_requests, worst.canary_interval)
    stable = _ratio(worst.stable_hits, worst.stable_requests, worst.stable_interval)
    return f"{canary} at the canary against {stable} at stable"


def _ratio(per: int, events: int, interval: tuple[float, float]) -> str:
    least, most = ((1 - share) / share if share else math.inf for share in reversed(interval))
    ratio = f"{(events - per) / per:.2f}" if per else "no ratio"
    return f"{events - per:,} per {per:,} ({ratio}, 95 % interval {least:.2f} to {most:.2f})"


def _failures(arm: ArmFigures) -> str:
    noun = "failure" if arm.errors == 1 else "failures"
    return f"{arm.errors:,} {noun} in {arm.requests:,} canary requests"


def _detail(worst: MetricFigures, figures: Figures) -> str:
    """Name how the canary's requests failed, or both arms' 90th percentiles."""
    canary, stable = figures.in_total.canary, figures.in_total.stable
    if worst.is_business:
        return ""
    if worst.bound_s is None and not canary.errors:
        return ""
    if worst.bound_s is None:
        kind, count = max(canary.errors_by_kind.items(), key=lambda item: item[1])
        codes = canary.errors_by_code
        return f"; {count:,} by {kind}, mostly status {max(codes, key=lambda code: codes[code])}"
    if canary.p90_s is None or stable.p90_s is None:
        return ""
    return f"; p90 {duration(canary.p90_s)} against {duration(stable.p90_s)}"


def _no_evidence(figures: Figures) -> str:
    """Say how much speaks against the canary, and which metrics could not say anything."""
    found = (
        f"evidence against it {strength(figures.e_value)} of {_limit(figures)}"
        if any(each.bound_s is not None for each in figures.metrics)
        else "latency was not judged: too few stable requests before the canary"
    )
    unjudged = [
        f"{each.metric} was not judged: a version counted no event"
        for each in figures.metrics
        if each.is_business and not (each.canary_requests and each.stable_requests)
    ]
    if figures.load_ratio > COMPARABLE_LOAD:
        unjudged.append(
            f"the canary's processes carried {figures.load_ratio:.1f} times the load of stable's:"
            " latency was not judged meanwhile"
        )
    return "; ".join([found, *unjudged])
