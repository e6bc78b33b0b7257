"""The verdict in words, for a person: the metric, the counts, and what is missing."""

from deploytool.canary.figures import ArmFigures, Figures, MetricFigures
from deploytool.canary.metric import MetricKind
from deploytool.canary.policy import VerdictPolicy
from deploytool.canary.remarks import remarks
from deploytool.canary.words import (
    between,
    duration,
    percent,
    period,
    ratio_between,
    strength,
    wait,
)


def rollback(figures: Figures) -> str:
    """Say what the canary did worse than stable."""
    evidence = f"{figures.e_value:,.0f} reached its limit of {_limit(figures)}"
    return f"{_worst(figures)}; evidence {evidence}{remarks(figures)}"


def doubted(figures: Figures, alpha_promotion: float) -> str:
    """Say what speaks against the canary though it has proved what the step asks for."""
    return (
        f"{_worst(figures)}; evidence {strength(figures.e_value)} of {_limit(figures)}:"
        f" no step is passed unless below {1 / alpha_promotion:,.0f}{remarks(figures)}"
    )


def vanished(figures: Figures) -> str:
    """Say that the canary's share of the requests that ended is not the share that was set."""
    share = figures.share
    assert share is not None
    whose = "the canary" if share.observed < share.set_share else "stable"
    return (
        f"share: {_share(share.canary_requests, share.requests)} requests that ended were the"
        f" canary's, which was set to get {percent(share.set_share)}: by chance alone that is so"
        f" less often than once in {share.e_limit:,.0f} times; requests to {whose} do not end,"
        f" or the router does not share them out as was set{remarks(figures)}"
    )


def silent(figures: Figures) -> str:
    """Say that the canary had no event of a business metric where stable had many."""
    name, expected = next(iter(figures.silent.items()))
    metric = next(each for each in figures.metrics if each.metric == name)
    return (
        f"{name}: no event read at the canary against {metric.stable_requests:,} at stable, where"
        f" about {expected:,} were to be expected of it: no step is passed without any"
        f"{remarks(figures)}"
    )


def passed(figures: Figures, alpha_promotion: float) -> str:
    """Say what the canary has proved at this step."""
    canary, stable = figures.at_step.canary, figures.at_step.stable
    return (
        f"errors: {_share(canary.errors, canary.requests)} canary requests failed"
        f" against {_share(stable.errors, stable.requests)} stable requests;"
        f" {percent(1 - alpha_promotion)} sure that the canary is worse by less than"
        f" {percent(figures.upper_bound)} ({percent(figures.gate)} allowed);"
        f" {_no_evidence(figures)}{remarks(figures)}"
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
        f" the step takes {least}{remarks(figures)}"
    )


def missing(figures: Figures) -> str:
    """Say what is missing for this step to be passed, and how long it takes to come."""
    return f"{_known_so_far(figures)}; {_needed(figures)}{remarks(figures)}"


def _known_so_far(figures: Figures) -> str:
    canary, stable = figures.at_step.canary, figures.at_step.stable
    for arm, counted in (("canary", canary), ("stable", stable)):
        if not counted.requests:
            waiting = f"{figures.pending_requests:,} requests of both arms wait to fill a block"
            return f"no {arm} request was judged at this step ({waiting}): silence is not health"
    if figures.upper_bound < 1:
        return f"{_failures(canary)} bounds the difference below {percent(figures.upper_bound)}"
    return f"{_failures(canary)} does not bound the difference yet"


def _needed(figures: Figures) -> str:
    canary, stable = figures.at_step.canary, figures.at_step.stable
    if figures.canary_requests_needed is None:
        return (
            f"{percent(figures.gate)} is out of reach while canary requests fail at"
            f" {percent(canary.error_rate or 0)} and stable requests at"
            f" {percent(stable.error_rate or 0)}"
        )
    needed = f"about {figures.canary_requests_needed:,} canary requests"
    if figures.canary_per_s is None:
        return f"{percent(figures.gate)} needs {needed}"
    if not figures.canary_per_s:
        return f"{percent(figures.gate)} needs {needed}, and none comes"
    left = max(0, figures.canary_requests_needed - canary.requests)
    takes = wait(left / figures.canary_per_s)
    return f"{percent(figures.gate)} needs {needed}, {takes} more at the rate seen"


def unseen(observed_s: float) -> str:
    """Say what nobody can know of a canary that was observed for so long."""
    return (
        f"this canary was observed for {period(observed_s)}: "
        "what fails later than that was never seen"
    )


def _worst(figures: Figures) -> str:
    """Write in which metric the canary is worst, and how."""
    worst = figures.metrics[0]
    return f"{worst.metric}: {_counts(worst)}{_detail(worst, figures)}"


def _limit(figures: Figures) -> str:
    return f"{figures.e_limit:,.0f}"


def _share(hits: int, requests: int) -> str:
    rate = f" ({percent(hits / requests)})" if requests else ""
    return f"{hits:,} of {requests:,}{rate}"


def _counts(worst: MetricFigures) -> str:
    """Write both arms' counts and rates, and between which rates the true ones are."""
    canary = f"{worst.canary_hits:,} of {worst.canary_requests:,}"
    stable = f"{worst.stable_hits:,} of {worst.stable_requests:,}"
    match worst.kind:
        case MetricKind.BUSINESS:
            return _ratios(worst)
        case MetricKind.EXPECTATIONS:
            canary += " answers of the canary were not as expected (status, body)"
            stable += " of stable"
        case MetricKind.LATENCY:
            canary += f" canary requests took over {duration(worst.bound_s or 0)}"
            stable += " stable requests"
            if worst.stable_bound_s != worst.bound_s:
                stable += f" over {duration(worst.stable_bound_s or 0)}"
        case _:
            canary += f" canary requests {_VERBS[worst.kind]}"
            stable += " stable requests"
    return (
        f"{canary} ({_known(worst.canary_hits, worst.canary_requests)}, 95 % interval"
        f" {between(worst.canary_interval)}) against {stable}"
        f" ({_known(worst.stable_hits, worst.stable_requests)}, {between(worst.stable_interval)})"
    )


_VERBS = {
    MetricKind.ERRORS: "failed",
    MetricKind.CLIENT_ERRORS: "were answered 4xx",
    MetricKind.REDIRECTS: "were redirected",
}


def _known(hits: int, requests: int) -> str:
    return percent(hits / requests) if requests else "nothing known"


def _ratios(worst: MetricFigures) -> str:
    """Write both arms' count : per, and between which ratios the true ones are."""
    canary = _ratio(worst.canary_hits, worst.canary_requests, worst.canary_interval)
    stable = _ratio(worst.stable_hits, worst.stable_requests, worst.stable_interval)
    return f"{canary} at the canary against {stable} at stable"


def _ratio(per: int, events: int, interval: tuple[float, float]) -> str:
    ratio = f"{(events - per) / per:.2f}" if per else "no ratio"
    known = f"{ratio}, 95 % interval {ratio_between(interval)}"
    return f"{events - per:,} per {per:,} ({known})"


def _failures(arm: ArmFigures) -> str:
    noun = "failure" if arm.errors == 1 else "failures"
    return f"{arm.errors:,} {noun} in {arm.requests:,} canary requests"


def _detail(worst: MetricFigures, figures: Figures) -> str:
    """Name how the canary's requests ended, or both arms' 90th percentiles."""
    canary, stable = figures.in_total.canary, figures.in_total.stable
    match worst.kind:
        case MetricKind.ERRORS if canary.errors:
            kind, count = max(canary.errors_by_kind.items(), key=lambda item: item[1])
            return f"; {count:,} by {kind}, mostly status {_most(canary.errors_by_code)}"
        case MetricKind.CLIENT_ERRORS if canary.client_errors_by_code:
            return f"; mostly status {_most(canary.client_errors_by_code)}"
        case MetricKind.REDIRECTS if canary.redirects_by_code:
            return f"; mostly status {_most(canary.redirects_by_code)}"
        case MetricKind.LATENCY if canary.p90_s is not None and stable.p90_s is not None:
            return f"; p90 {duration(canary.p90_s)} against {duration(stable.p90_s)}"
        case _:
            return ""


def _most(by_code: dict[int, int]) -> int:
    return max(by_code, key=lambda code: by_code[code])


def _no_evidence(figures: Figures) -> str:
    """Say how much speaks against the canary, and which metrics could not say anything."""
    found = (
        f"evidence against it {strength(figures.e_value)} of {_limit(figures)}"
        if any(each.kind is MetricKind.LATENCY for each in figures.metrics)
        else "latency was not judged: too few stable requests before the canary"
    )
    unjudged = [
        f"{each.metric} was not judged: of a version no event could be read"
        for each in figures.metrics
        if each.is_business and not (each.canary_requests and each.stable_requests)
    ]
    return "; ".join([found, *unjudged])
