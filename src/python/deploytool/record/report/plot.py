"""Plots as plain geometry, in percent of their area; templates/plot.html draws them as SVG."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from deploytool.record.report.axis import Scale, TimeAxis, path
from deploytool.record.report.view import Report, Seen
from deploytool.record.report.words import clock, span

# More would not be told apart, and make the file large.
_MOST_POINTS = 400


@dataclass(frozen=True, slots=True)
class Line:
    """A curve, or with is_band an area. style: its class in the style sheet."""

    name: str
    style: str
    d: str
    is_band: bool = False


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis, in percent."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Limit:
    """A level that means something, from left to right."""

    left: float
    right: float
    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the width: a step, an interruption, or one observation with its values."""

    left: float
    width: float
    label: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """What all plots of a report share: the time axis, and what is marked on it."""

    axis: TimeAxis
    shown: tuple[Seen, ...]
    every: int
    x_ticks: tuple[Tick, ...]
    steps: tuple[Span, ...]
    pauses: tuple[Span, ...]
    decision: Tick | None

    @classmethod
    def of(cls, report: Report) -> Self:
        """Fit the frame to the report."""
        moments = [entry.at_s for entry in report.entries if entry.at_s >= 0]
        observed = [seen.at_s for seen in report.observations]
        distances = sorted(b - a for a, b in pairwise(observed))
        axis = TimeAxis.over(moments, distances[len(distances) // 2] if distances else 1.0)
        every = 1 + len(observed) // _MOST_POINTS
        decided = report.outcome.decided
        return cls(
            axis=axis,
            shown=_thinned(report.observations, every),
            every=every,
            x_ticks=tuple(Tick(axis.x(s), clock(s)) for s in axis.ticks()),
            steps=tuple(
                Span(
                    (left := axis.x(step.begun_s)),
                    axis.x(step.ended_s) - left,
                    f"step {step.index + 1}",
                    f" · {step.weight_percent} %",
                )
                for step in report.steps
            ),
            pauses=tuple(
                Span((left := axis.x(a)), axis.x(b) - left, span(b - a)) for a, b in axis.pauses
            ),
            decision=Tick(axis.x(decided.at_s), report.outcome.word) if decided else None,
        )

    def curve(
        self, scale: Scale, value: Callable[[Seen], float | None], *, by_step: bool = False
    ) -> str:
        """Return the path of a figure over the observations, broken where there is none.

        by_step: broken between steps, too, for what begins afresh at each.
        """
        points: list[tuple[float, float] | None] = []
        before = None
        for seen in self.shown:
            if before is not None and (
                self.axis.is_interrupted(before.at_s, seen.at_s)
                or (by_step and before.step != seen.step)
            ):
                points.append(None)
            figure = value(seen)
            points.append(None if figure is None else (self.axis.x(seen.at_s), scale.y(figure)))
            before = seen
        return path(points)

    def band(self, scale: Scale, interval: Callable[[Seen], tuple[float, float] | None]) -> str:
        """Return the area between two figures of each observation."""
        known = [(seen.at_s, both) for seen in self.shown if (both := interval(seen))]
        lower = [(self.axis.x(at_s), scale.y(low)) for at_s, (low, _) in known]
        upper = [(self.axis.x(at_s), scale.y(high)) for at_s, (_, high) in known]
        return f"{path([*lower, *reversed(upper)])}Z" if known else ""

    def strips(self, words: Callable[[Seen], str]) -> tuple[Span, ...]:
        """Return a part of the width for each observation, with its values in words."""
        places = [self.axis.x(seen.at_s) for seen in self.shown]
        if not places:
            return ()
        edges = [places[0], *((a + b) / 2 for a, b in pairwise(places)), places[-1]]
        return tuple(
            Span(left, right - left, f"{clock(seen.at_s)}, step {seen.step + 1}: {words(seen)}")
            for (left, right), seen in zip(pairwise(edges), self.shown, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Plot:
    """One plot. summary: what there is to see, in words. end_labels: at the right of curves."""

    key: str
    title: str
    summary: str
    lines: tuple[Line, ...]
    y_ticks: tuple[Tick, ...]
    strips: tuple[Span, ...]
    limits: tuple[Limit, ...] = ()
    end_labels: tuple[Tick, ...] = ()
    is_tall: bool = False


def y_ticks(scale: Scale, words: Callable[[float], str]) -> tuple[Tick, ...]:
    """Label a scale."""
    return tuple(Tick(scale.y(value), words(value)) for value in scale.ticks())


def _thinned(observations: Sequence[Seen], every: int) -> tuple[Seen, ...]:
    """Take each so-manieth, and the last of each step, on which its verdict rests."""
    last = {seen.step: seen.number for seen in observations}
    return tuple(
        seen
        for index, seen in enumerate(observations)
        if index % every == 0 or last[seen.step] == seen.number
    )
