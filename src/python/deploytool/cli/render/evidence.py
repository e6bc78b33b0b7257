"""The evidence as two bars, each filling towards the decision it stands for."""

import math

from rich.text import Text

from deploytool.canary.figures import Figures
from deploytool.canary.words import metric_name, percent, strength

_LABEL = 16
# Beside a bar stands at most "worse by up to 12.3 %, passes at 0.25 %".
_WORDS = 40
_LONGEST_BAR = 40
_SHORTEST_BAR = 6
_NAMED_PARTS = 2


def evidence_lines(figures: Figures, width: int, *, is_step_current: bool) -> list[Text]:
    """Return the evidence against and for the canary.

    is_step_current: the figures are of the step that the canary is at; evidence for it begins
    afresh at each step.
    """
    length = max(_SHORTEST_BAR, min(_LONGEST_BAR, width - _LABEL - _WORDS))
    upper = figures.upper_bound if is_step_current else 1.0
    known = f"worse by up to {percent(upper)}" if upper < 1 else "nothing known yet"
    against = f"{strength(figures.e_value)}, rolled back at {figures.e_limit:.0f}"
    passes = f", passes at {percent(figures.gate)}" if is_step_current else ""
    return [
        _line("against canary", "red", length, against_share(figures), against),
        _line(
            "for this step",
            "green",
            length,
            for_share(upper, figures.gate),
            known + passes,
        ),
    ]


def evidence_parts(figures: Figures) -> str:
    """Return what the evidence against the canary mostly comes from, and what is not in it yet."""
    heaviest = figures.metrics[:_NAMED_PARTS]
    parts = ", ".join(f"{metric_name(each)} {strength(each.e_value)}" for each in heaviest)
    waiting = figures.pending_requests
    unjudged = f"; {waiting} requests wait to be judged" if waiting else ""
    return f"mostly from: {parts}{unjudged}"


def against_share(figures: Figures) -> float:
    """Return how far the e-value is from 1 to its limit, 0-1, on a log scale."""
    if figures.e_value <= 1:
        return 0.0
    return min(1.0, math.log(figures.e_value) / math.log(figures.e_limit))


def for_share(upper_bound: float, gate: float) -> float:
    """Return how far the bound is from 100 % down to its gate, 0-1, on a log scale."""
    return min(1.0, math.log(upper_bound) / math.log(gate))


def bar(share: float, length: int) -> str:
    """Return a bar; only a full share fills it."""
    filled = length if share >= 1 else min(length - 1, round(share * length))
    return "█" * filled + "░" * (length - filled)


def _line(label: str, colour: str, length: int, share: float, words: str) -> Text:
    return Text.assemble(label.ljust(_LABEL), (bar(share, length), colour), f"  {words}")
