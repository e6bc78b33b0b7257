"""The plots of a canary: weight, traffic, errors, latency, evidence and the bound, over time."""

import math
from collections.abc import Callable
from functools import partial

from deploytool.canary.figures import ArmFigures, MetricFigures
from deploytool.canary.observation import Observation
from deploytool.canary.words import between, duration, metric_name, percent, strength
from deploytool.record.report.axis import Linear, Logarithmic, path
from deploytool.record.report.plot import Frame, Limit, Line, Plot, Tick, y_ticks
from deploytool.record.report.view import ARMS, Arm, Report, Seen
from deploytool.record.report.words import number

# Rates of fewer requests jump too much to set the scale.
_FEW_REQUESTS = 50
_LEAST_E = 0.01
_Quantile = Callable[[ArmFigures], float | None]
_QUANTILES: tuple[tuple[str, _Quantile], ...] = (
    ("p50", lambda arm: arm.p50_s),
    ("p90", lambda arm: arm.p90_s),
    ("p99", lambda arm: arm.p99_s),
)


def plots_of(report: Report, frame: Frame) -> tuple[Plot, ...]:
    """Draw what the observations of a canary show; nothing without one."""
    if not report.observations:
        return ()
    return (
        _weight(report, frame),
        _traffic(report, frame),
        _errors(report, frame),
        _latency(report, frame),
        _evidence(report, frame),
        _bound(report, frame),
    )


def _weight(report: Report, frame: Frame) -> Plot:
    scale = Linear(1.0, parts=2)
    changes = [(0.0, 0), *report.weights, (frame.axis.knots[-1][0], report.weights[-1][1])]
    corners: list[tuple[float, float]] = []
    for at_s, weight in changes:
        x = frame.axis.x(at_s)
        corners += [(x, corners[-1][1])] if corners else []
        corners.append((x, scale.y(weight / 100)))
    last = report.steps[-1]
    figures = report.observations[-1].verdict.figures.at_step
    total = figures.stable.requests + figures.canary.requests
    seen_share = f"{percent(figures.canary.requests / total)} of them" if total else "none"
    return Plot(
        key="weight",
        title="Weight",
        summary=f"Share of the requests that the canary is to get, and got in each poll. At step "
        f"{last.index + 1} it was set to {last.weight_percent} %; of the {total:,} requests "
        f"judged there the canary got {seen_share}.",
        lines=(
            Line("set", "set", path(corners)),
            Line("observed", "observed", frame.curve(scale, lambda seen: seen.share)),
        ),
        y_ticks=y_ticks(scale, percent),
        strips=frame.strips(
            lambda seen: (
                f"set {seen.verdict.figures.weights_percent[seen.step]} %, "
                f"observed {_or_none(seen.share, percent)}"
            )
        ),
    )


def _traffic(report: Report, frame: Frame) -> Plot:
    rates = [seen.per_second(arm) or 0.0 for seen in frame.shown for arm in ARMS]
    scale = Linear(max(1.0, *rates), parts=2)
    polls = [seen.poll for seen in report.observations if isinstance(seen.poll, Observation)]
    requests = sum(poll.requests for poll in polls)
    seconds = sum(poll.seconds for poll in polls)
    canary = sum(poll.canary.ended for poll in polls)
    return Plot(
        key="traffic",
        title="Traffic",
        summary=f"Requests a second in each poll: {requests:,} in all, "
        f"{requests / seconds if seconds else 0:.0f} a second, {canary:,} of them to the canary.",
        lines=_both(lambda arm: frame.curve(scale, lambda seen: seen.per_second(arm))),
        y_ticks=y_ticks(scale, lambda value: f"{number(value)}/s"),
        strips=frame.strips(
            lambda seen: ", ".join(
                f"{arm} {_or_none(seen.per_second(arm), lambda rate: f'{rate:.1f}/s')}"
                for arm in ARMS
            )
        ),
    )


def _errors(report: Report, frame: Frame) -> Plot:
    last = report.observations[-1]
    highest = [known[1] for arm in ARMS if (known := last.interval(arm))]
    highest += [
        seen.judged(arm).error_rate or 0.0
        for seen in frame.shown
        for arm in ARMS
        if seen.judged(arm).requests >= _FEW_REQUESTS
    ]
    scale = Linear(min(1.0, max(0.002, 1.2 * max(highest, default=0.0))))

    def words(seen: Seen, arm: Arm) -> str:
        known = seen.interval(arm)
        if known is None:
            return f"{arm} nothing judged yet"
        rate = seen.judged(arm).error_rate
        return f"{arm} {percent(rate or 0)} ({between(known)})"

    return Plot(
        key="errors",
        title="Errors",
        summary="Failed requests since the canary began: "
        f"{words(last, 'canary')}, {words(last, 'stable')}. "
        "The bands hold the true rate at every moment at once, with 95 % certainty.",
        lines=(
            *_both(lambda arm: frame.band(scale, lambda seen: seen.interval(arm)), is_band=True),
            *_both(lambda arm: frame.curve(scale, lambda seen: seen.judged(arm).error_rate)),
        ),
        y_ticks=y_ticks(scale, percent),
        strips=frame.strips(lambda seen: f"{words(seen, 'canary')}, {words(seen, 'stable')}"),
        is_tall=True,
    )


def _latency(report: Report, frame: Frame) -> Plot:
    last = report.observations[-1]
    known = [
        seconds
        for seen in frame.shown
        for arm in ARMS
        for _, quantile in _QUANTILES
        if (seconds := quantile(seen.judged(arm)))
    ] or [0.001, 1.0]
    scale = Logarithmic(0.8 * min(known), 1.25 * max(known))

    def words(seen: Seen) -> str:
        return "; ".join(
            f"{name} canary {_or_none(quantile(seen.judged('canary')), duration)},"
            f" stable {_or_none(quantile(seen.judged('stable')), duration)}"
            for name, quantile in _QUANTILES
        )

    ends = []
    for name, quantile in _QUANTILES:
        places = [scale.y(s) for arm in ARMS if (s := quantile(last.judged(arm)))]
        ends += [Tick(sum(places) / len(places), name)] if places else []
    return Plot(
        key="latency",
        title="Latency",
        summary=f"Since the canary began: {words(last)}.",
        lines=tuple(
            Line(
                arm if name == "p50" else "",
                arm,
                frame.curve(scale, partial(_quantile, quantile, arm)),
            )
            for name, quantile in _QUANTILES
            for arm in ARMS
        ),
        y_ticks=y_ticks(scale, duration),
        strips=frame.strips(words),
        end_labels=tuple(ends),
        is_tall=True,
    )


def _evidence(report: Report, frame: Frame) -> Plot:
    last = report.observations[-1].verdict.figures
    values = [max(seen.verdict.figures.e_value, _LEAST_E) for seen in frame.shown]
    scale = Logarithmic(
        10.0 ** math.floor(math.log10(min(0.1, *values))),
        3.0 * max(last.e_limit, min(max(values), last.e_limit**2)),
    )
    # A metric of which nothing was ever hit says nothing: its line would lie where it began.
    names = {each.metric for each in last.metrics if each.canary_hits or each.stable_hits}
    reached = "reached" if last.e_value >= last.e_limit * (1 - 1e-9) else "is"
    return Plot(
        key="evidence",
        title="Evidence against the canary",
        summary=f"It {reached} {strength(last.e_value)}; at {number(last.e_limit)} the canary is "
        f"rolled back. Heaviest: {_metric(last.metrics[0])}. A canary as good as stable ever "
        f"gets that far with a chance of at most {percent(1 / last.e_limit)}.",
        lines=(
            *(
                Line(
                    f"from {name}",
                    f"part-{index % 4 + 1}",
                    frame.curve(scale, partial(_part, name)),
                )
                for index, name in enumerate(sorted(names))
                if len(names) > 1
            ),
            Line(
                "all evidence", "evidence", frame.curve(scale, lambda s: s.verdict.figures.e_value)
            ),
        ),
        y_ticks=y_ticks(scale, number),
        strips=frame.strips(
            lambda seen: (
                f"{strength(seen.verdict.figures.e_value)} of {number(last.e_limit)}, "
                f"heaviest {_metric(seen.verdict.figures.metrics[0])}"
            )
        ),
        limits=(Limit(0, 100, scale.y(last.e_limit), f"rolls back at {number(last.e_limit)}"),),
        is_tall=True,
    )


def _bound(report: Report, frame: Frame) -> Plot:
    last = report.observations[-1].verdict.figures
    gates = {seen.step: seen.verdict.figures.gate for seen in report.observations}
    values = [seen.verdict.figures.upper_bound for seen in frame.shown]
    scale = Logarithmic(0.6 * min(*gates.values(), *values), 1.2)
    known = f"at most {percent(last.upper_bound)}" if last.upper_bound < 1 else "not known yet"
    return Plot(
        key="bound",
        title="How much worse the canary can still be",
        summary=f"Bound on its error rate above stable's, begun afresh at each step; a step is "
        f"passed at its gate. At step {last.step + 1}: {known}, {percent(last.gate)} allowed.",
        lines=(
            Line(
                "bound",
                "evidence",
                frame.curve(scale, lambda seen: seen.verdict.figures.upper_bound, by_step=True),
            ),
        ),
        y_ticks=y_ticks(scale, percent),
        strips=frame.strips(
            lambda seen: (
                f"at most {percent(seen.verdict.figures.upper_bound)}, "
                f"{percent(seen.verdict.figures.gate)} allowed"
            )
        ),
        limits=tuple(
            Limit(
                frame.axis.x(step.begun_s),
                frame.axis.x(step.ended_s),
                scale.y(gates[step.index]),
                f"gate {percent(gates[step.index])}",
            )
            for step in report.steps
            if step.index in gates
        ),
        is_tall=True,
    )


def _both(d: Callable[[Arm], str], *, is_band: bool = False) -> tuple[Line, ...]:
    return tuple(Line("" if is_band else arm, arm, d(arm), is_band=is_band) for arm in ARMS)


def _quantile(quantile: _Quantile, arm: Arm, seen: Seen) -> float | None:
    return quantile(seen.judged(arm))


def _part(metric: str, seen: Seen) -> float:
    return sum(each.e_value for each in seen.verdict.figures.metrics if each.metric == metric)


def _metric(metric: MetricFigures) -> str:
    return f"{metric_name(metric)} with {strength(metric.e_value)}"


def _or_none(value: float | None, words: Callable[[float], str]) -> str:
    return "none" if value is None else words(value)
