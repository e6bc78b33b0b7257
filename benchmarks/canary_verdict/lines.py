"""The table: what was measured, what is allowed, and how far the arrays are off the product."""

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from benchmarks.canary_verdict.rollback import Bools, Floats

MOST_OFF_BY = 1e-9
"""Largest difference of log e between the arrays and the product's own classes."""


class Measured(NamedTuple):
    """A figure, its limit, and whether it is met; None where nothing is claimed."""

    figure: str
    limit: str = ""
    is_met: bool | None = None


@dataclass(frozen=True)
class Line:
    """One line. off_by: largest difference from the product; None if it has no part."""

    what: str
    measured: Measured
    off_by: float | None = None

    @property
    def is_good(self) -> bool:
        return self.measured.is_met is not False and (self.off_by or 0.0) < MOST_OFF_BY


@dataclass(frozen=True)
class Scenario:
    """Something to simulate for a section of the table: always the same, whatever runs beside it.

    simulate: takes this scenario's name, its random numbers, and how many runs.
    """

    section: str
    name: str
    simulate: Callable[[str, Generator, int], Sequence[Line]]

    def lines(self, runs: int) -> Sequence[Line]:
        seed = zlib.crc32(f"{self.section} {self.name}".encode())
        return self.simulate(self.name, np.random.default_rng(seed), runs)


def share(of_runs: Bools, limit: float | None = None) -> Measured:
    """Measure a share of runs."""
    fraction = float(of_runs.mean())
    if limit is None:
        return Measured(f"{fraction:.2%}")
    return Measured(f"{fraction:.2%}", f"<= {limit:.2%}", fraction <= limit)


def allowed(limits: Sequence[int], times: float) -> tuple[int, ...]:
    """Return the limits that are so many times as high."""
    return tuple(math.ceil(times * limit) for limit in limits)


def quantiles(found: Floats) -> tuple[int, ...]:
    """Return the median and the 95th percentile, as far as so many runs were found."""
    ordered = np.sort(found)
    both = (float(ordered[math.ceil(q * len(found)) - 1]) for q in (0.5, 0.95))
    return tuple(round(each) for each in both if math.isfinite(each))


def requests(found: Floats, limits: Sequence[int] = ()) -> Measured:
    """Measure median, 95th percentile and mean; the limits are for the first ones of them.

    Runs that were never found count as infinite in the first two, and not in the mean.
    """
    ordered = np.sort(found)
    is_found = np.isfinite(found)
    quantiles = [float(ordered[math.ceil(q * len(found)) - 1]) for q in (0.5, 0.95)]
    figures = [*quantiles, float(found[is_found].mean()) if is_found.any() else math.inf]
    text = " / ".join("never" if math.isinf(each) else f"{each:.0f}" for each in figures)
    if not limits:
        return Measured(text)
    is_met = all(figure <= limit for figure, limit in zip(figures, limits, strict=False))
    return Measured(text, "<= " + " / ".join(map(str, limits)), is_met)


def render(results: Sequence[tuple[Scenario, Sequence[Line]]]) -> str:
    """Lay out the table."""
    rows = [("", "measured", "limit", "", "log e off by")]
    for section, members in groupby(results, key=lambda result: result[0].section):
        rows += [("", "", "", "", ""), (section, "", "", "", "")]
        for line in (line for _, lines in members for line in lines):
            figure, limit, is_met = line.measured
            verdict = "" if is_met is None else "ok" if is_met else "NO"
            off_by = "" if line.off_by is None else f"{line.off_by:.0e}"
            rows.append(("  " + line.what, figure, limit, verdict, off_by))
    # the title of a section runs over the other columns
    lines = [row for row in rows if any(row[1:])]
    widths = [max(len(row[column]) for row in lines) for column in range(5)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
