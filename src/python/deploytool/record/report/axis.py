"""Scales: from seconds and figures to percent of a plot's width and height."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, Self

# An interruption is drawn this wide, in percent, however long it was.
_PAUSE_WIDTH = 5.0
_LEAST_PAUSE_S = 60.0
# Longer than so many of the usual times between two observations is an interruption.
_PAUSE_POLLS = 10
_TICK_STEPS_S = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200),
    *(4 * 3600, 8 * 3600, 12 * 3600, 24 * 3600, 48 * 3600, 7 * 24 * 3600),
)
_MOST_TICKS = 9
_LEAST_TICK_DISTANCE = 7.0
# Up to so many powers of ten there is room for labels between them.
_DENSE_DECADES = 2.5


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Seconds since the canary started -> percent from the left; interruptions are cut short.

    knots: (seconds, percent), ascending; linear between. pauses: (from, to) in seconds.
    """

    knots: tuple[tuple[float, float], ...]
    pauses: tuple[tuple[float, float], ...]

    @classmethod
    def over(cls, moments: Iterable[float], poll_s: float) -> Self:
        """Fit the axis to the moments at which something happened. poll_s: the usual distance."""
        ordered = sorted({0.0, *moments})
        longest_s = max(_LEAST_PAUSE_S, _PAUSE_POLLS * poll_s)
        pauses = tuple((a, b) for a, b in pairwise(ordered) if b - a > longest_s)
        active_s = ordered[-1] - sum(b - a for a, b in pauses)
        scale = (100.0 - _PAUSE_WIDTH * len(pauses)) / max(active_s, 1.0)
        knots = [(0.0, 0.0)]
        for a, b in pauses:
            before_s, x = knots[-1]
            x += (a - before_s) * scale
            knots += [(a, x), (b, x + _PAUSE_WIDTH)]
        knots.append((max(ordered[-1], 1.0), 100.0))
        return cls(tuple(knots), pauses)

    def x(self, at_s: float) -> float:
        """Return the place of a moment, 0-100."""
        for (a, left), (b, right) in pairwise(self.knots):
            if at_s <= b:
                share = (at_s - a) / (b - a) if b > a else 0.0
                return left + max(0.0, share) * (right - left)
        return 100.0

    def is_interrupted(self, a_s: float, b_s: float) -> bool:
        """Tell whether an interruption lies between two moments."""
        return any(a_s <= a and b <= b_s for a, b in self.pauses)

    def ticks(self) -> tuple[float, ...]:
        """Return round moments to label, in seconds, none of them in an interruption."""
        active_s = self.knots[-1][0] - sum(b - a for a, b in self.pauses)
        step = next((s for s in _TICK_STEPS_S if active_s / s <= _MOST_TICKS), _TICK_STEPS_S[-1])
        ticks: list[float] = []
        start = 0.0
        for a, b in (*self.pauses, (self.knots[-1][0], math.inf)):
            ticks += (i * step for i in range(math.ceil(start / step), math.floor(a / step) + 1))
            start = b
        apart = [0.0]
        for tick in ticks:
            if self.x(tick) - self.x(apart[-1]) >= _LEAST_TICK_DISTANCE:
                apart.append(tick)
        return tuple(apart)


class Scale(Protocol):
    """Figures -> percent from the top; what is off the scale lands outside 0-100."""

    def y(self, value: float) -> float:
        """Return the place of a value."""

    def ticks(self) -> tuple[float, ...]:
        """Return round values to label, ascending."""


@dataclass(frozen=True, slots=True)
class Linear:
    """From 0 at the bottom to a round value at or above `top`, in at most `parts` round parts."""

    top: float
    parts: int = 5

    def y(self, value: float) -> float:
        """Return the place of a value."""
        return 100.0 * (1.0 - value / self.ticks()[-1])

    def ticks(self) -> tuple[float, ...]:
        """Return 0 and the ends of the parts, the last one at the top of the scale."""
        least = self.top / self.parts
        magnitude = 10.0 ** math.floor(math.log10(least))
        step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= least - 1e-12)
        return tuple(step * i for i in range(math.ceil(self.top / step - 1e-9) + 1))


@dataclass(frozen=True, slots=True)
class Logarithmic:
    """From low at the bottom to high at the top, both over 0."""

    low: float
    high: float

    def y(self, value: float) -> float:
        """Return the place of a value; of 0, far below the scale."""
        if value <= 0:
            return 1000.0
        return 100.0 * (1.0 - math.log(value / self.low) / math.log(self.high / self.low))

    def ticks(self) -> tuple[float, ...]:
        """Return powers of ten, or 1, 2 and 5 times them where that is not too dense."""
        exponents = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        decades = math.log10(self.high / self.low)
        factors = (1, 2, 5) if decades <= _DENSE_DECADES else (1,)
        every = max(1, math.ceil(decades / 6))
        return self._inside(f * 10.0**e for e in exponents if e % every == 0 for f in factors)

    def _inside(self, values: Iterable[float]) -> tuple[float, ...]:
        slack = 1 + 1e-9
        return tuple(v for v in values if self.low / slack <= v <= self.high * slack)


def path(points: Sequence[tuple[float, float] | None], unit: float = 10.0) -> str:
    """Return an SVG path through points (x, y in percent), broken where there is None."""
    commands, is_down = [], False
    for point in points:
        if point is None:
            is_down = False
            continue
        x, y = point
        commands.append(f"{'L' if is_down else 'M'}{unit * x:.1f} {unit * y:.1f}")
        is_down = True
    return "".join(commands)
