"""The HTML page of a report: one file with its style, no script, nothing loaded from anywhere."""

from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deploytool.canary.machine import Phase
from deploytool.canary.sentences import unseen
from deploytool.canary.verdict import Decision
from deploytool.canary.words import between, duration, metric_name, percent, strength
from deploytool.record.report.panels import plots_of
from deploytool.record.report.plot import Frame
from deploytool.record.report.rates import NONE, rates_of
from deploytool.record.report.view import ARMS, Report
from deploytool.record.report.words import clock, moment, number, span, unbroken

_TEMPLATES = Path(__file__).parent / "templates"


def page(report: Report) -> str:
    """Return the page."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        clock=clock, moment=moment, span=span, number=number, unbroken=unbroken
    )
    frame = Frame.of(report)
    return environment.get_template("report.html").render(
        report=report,
        headline=headline(report),
        meaning=" ".join([meaning(report), *_unseen(report)]),
        frame=frame,
        plots=plots_of(report, frame),
        arms=ARMS,
        between=between,
        metric_name=metric_name,
        rates_of=rates_of,
        percent=_or_dash(percent),
        duration=_or_dash(duration),
        strength=strength,
        stays=_stays(report),
        thousands="{:,}".format,
    )


def headline(report: Report) -> str:
    """Say in a few words where the canary stands."""
    outcome = report.outcome
    if outcome.phase is Phase.HELD:
        return "is held"
    if outcome.decided is None:
        return "is not decided yet"
    return f"was {outcome.word}" if outcome.is_final else f"is being {outcome.word}"


def meaning(report: Report) -> str:
    """Say what the decision is worth, in words for whoever does not know the method."""
    outcome, policy = report.outcome, report.policy
    if outcome.decided is None:
        return "The record ends here: this is what is known so far."
    if outcome.verdict is None or policy is None:
        return "This was not decided on the evidence of its requests."
    if outcome.verdict.decision is Decision.ROLLBACK:
        return (
            "A canary no worse than stable meets this end with a chance of at most "
            f"{percent(policy.alpha)}, however often one looks."
        )
    if outcome.verdict.decision is Decision.PROMOTE:
        return (
            f"A canary that fails at least {percent(policy.tolerance)} more often than stable all "
            "through the last step gets this far with a chance of at most "
            f"{percent(policy.alpha_promotion)}."
        )
    return "Neither health nor harm was proved in the time that a step has."


def _stays(report: Report) -> str:
    """Write how long a step lasts, of each step where they differ."""
    if (policy := report.policy) is None:
        return NONE
    left = range(len(report.weights_percent) - 1, -1, -1)
    stays = [f"{span(policy.least_at_s(each))} to {span(policy.most_at_s(each))}" for each in left]
    return stays[0] if len({*stays}) == 1 else ", ".join(stays)


def _unseen(report: Report) -> list[str]:
    """Say what a promotion cannot promise, as it was over so soon."""
    if report.outcome.word != "promoted":
        return []
    told = unseen(sum(step.observed_s for step in report.steps))
    return [f"{told[0].upper()}{told[1:]}."]


def _or_dash(words: Callable[[float], str]) -> Callable[[float | None], str]:
    return lambda value: NONE if value is None else words(value)
