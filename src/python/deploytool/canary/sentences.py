"""The verdict in words, for a person: the metric, the counts, and what is missing."""

from deploytool.canary.figures import ArmFigures, Figures, MetricFigures


def rollback(figures: Figures) -> str:
    """Say what the canary did worse than stable."""
    worst = figures.metrics[0]
    verb = "failed" if worst.bound_s is None else f"took over {duration(worst.bound_s)}"
    return (
        f"{worst.metric}: {_share(worst.canary_hits, worst.canary_requests)} canary requests {verb}"
        f" against {_share(worst.stable_hits, worst.stable_requests)} stable requests"
        f"{_detail(worst, figures)};"
        f" evidence {figures.e_value:.0f} reached its limit of {figures.e_limit:.0f}"
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


def early(figures: Figures, least_step_s: float) -> str:
    """Say that only the time at this step is missing."""
    return (
        f"{_failures(figures.at_step.canary)} bounds the difference below"
        f" {percent(figures.upper_bound)} ({percent(figures.gate)} allowed);"
        f" the step lasts at least {least_step_s:.0f} s"
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


def duration(seconds: float) -> str:
    """Write a latency in the unit that people use for it."""
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.3g} s"


def _share(hits: int, requests: int) -> str:
    rate = f" ({percent(hits / requests)})" if requests else ""
    return f"{hits:,} of {requests:,}{rate}"


def _failures(arm: ArmFigures) -> str:
    noun = "failure" if arm.errors == 1 else "failures"
    return f"{arm.errors:,} {noun} in {arm.requests:,} canary requests"


def _detail(worst: MetricFigures, figures: Figures) -> str:
    """Name the commonest status of the canary's failures, or both arms' 90th percentiles."""
    canary, stable = figures.in_total.canary, figures.in_total.stable
    if worst.bound_s is None:
        by_code = canary.errors_by_code
        code = max(by_code, key=lambda each: by_code[each])
        return f", {by_code[code]:,} with status {code}"
    if canary.p90_s is None or stable.p90_s is None:
        return ""
    return f", p90 {duration(canary.p90_s)} against {duration(stable.p90_s)}"


def _no_evidence(figures: Figures) -> str:
    if all(each.bound_s is None for each in figures.metrics):
        return "latency was not judged: too few stable requests before the canary"
    return f"evidence against it {figures.e_value:.2g} of {figures.e_limit:.0f}"
