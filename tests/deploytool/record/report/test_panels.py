"""The curves stand where their scales say that the recorded figures are."""

import dataclasses
import math
import re
from collections.abc import Callable

import pytest

from deploytool.record.report.panels import plots_of
from deploytool.record.report.plot import Frame, Plot
from deploytool.record.report.view import Report, Seen
from tests.deploytool.record.report.scenario import METRIC

Read = Callable[[str], Report]


def drawn(report: Report, key: str) -> tuple[Frame, Plot]:
    frame = Frame.of(report)
    [plot] = [plot for plot in plots_of(report, frame) if plot.key == key]
    return frame, plot


def heights(plot: Plot, name: str) -> list[float]:
    """The curve's places in percent from the top."""
    [line] = [line for line in plot.lines if line.name == name]
    return [float(y) / 10 for _, y in re.findall(r"[ML]([\d.-]+) ([\d.-]+)", line.d)]


@pytest.mark.parametrize("end", ["failing", "slow", "promoted"])
def test_the_evidence_is_read_off_its_scale(report: Read, end: str) -> None:
    _, plot = drawn(report(end), "evidence")
    [one] = [tick.at for tick in plot.y_ticks if tick.label == "1"]
    [ten] = [tick.at for tick in plot.y_ticks if tick.label == "10"]
    read = [10 ** ((one - y) / (one - ten)) for y in heights(plot, "all evidence")]
    recorded = [seen.verdict.figures.e_value for seen in report(end).observations]
    assert read == pytest.approx(recorded, rel=0.02)
    [limit] = plot.limits
    assert 10 ** ((one - limit.y) / (one - ten)) == pytest.approx(100)


def test_the_parts_of_the_evidence_add_up_to_it(report: Read) -> None:
    _, plot = drawn(report("promoted"), "evidence")
    names = [line.name for line in plot.lines]
    assert names == ["from errors", "from latency", f"from {METRIC}", "all evidence"]
    [one] = [tick.at for tick in plot.y_ticks if tick.label == "1"]
    [ten] = [tick.at for tick in plot.y_ticks if tick.label == "10"]
    first = [10 ** ((one - heights(plot, name)[0]) / (one - ten)) for name in names]
    # no answer was 4xx or a redirect: their parts stay what they began with, and have no line
    unhit = 0.8 * (0.07 + 0.03)
    assert math.fsum(first[:-1]) + unhit == pytest.approx(first[-1], rel=0.02)


def test_the_bound_comes_down_to_the_gate_of_each_step_that_is_passed(report: Read) -> None:
    _, plot = drawn(report("promoted"), "bound")
    [line] = plot.lines
    assert line.d.count("M") == 3
    lowest = [float(part.split()[-1]) / 10 for part in line.d.split("M")[1:]]
    assert all(y >= gate.y - 0.05 for y, gate in zip(lowest, plot.limits, strict=True))
    assert [gate.label for gate in plot.limits] == ["gate 5 %", "gate 2 %", "gate 1 %"]


def test_the_weight_set_goes_from_step_to_step_and_back(report: Read) -> None:
    _, plot = drawn(report("promoted"), "weight")
    levels = [round(100 - y) for y in heights(plot, "set")]
    assert [
        level for level, before in zip(levels, [None, *levels], strict=False) if level != before
    ] == [
        0,
        10,
        25,
        50,
        100,
        0,
    ]


def test_an_error_rate_lies_within_its_interval(report: Read) -> None:
    for seen in report("failing").observations:
        for arm in ("stable", "canary"):
            if known := seen.interval(arm):
                assert known[0] <= (seen.judged(arm).error_rate or 0) <= known[1]


def test_the_moment_of_decision_is_that_of_the_last_observation(report: Read) -> None:
    frame, _ = drawn(report("slow"), "evidence")
    assert frame.decision is not None
    assert frame.decision.at == pytest.approx(frame.axis.x(report("slow").observations[-1].at_s))
    assert frame.decision.label == "rolled back"


def test_a_void_poll_breaks_the_curve_of_traffic(report: Read) -> None:
    _, plot = drawn(report("promoted"), "traffic")
    assert [line.d.count("M") for line in plot.lines] == [2, 2]
    assert "stable none, canary none" in plot.strips[9].label


def test_of_very_many_observations_the_last_of_each_step_is_drawn(report: Read) -> None:
    few = report("promoted").observations
    many = tuple(
        Seen(
            at_s=index / 10, number=index + 1, step=seen.step, poll=seen.poll, verdict=seen.verdict
        )
        for index, seen in enumerate(seen for seen in few for _ in range(50))
    )
    frame = Frame.of(dataclasses.replace(report("promoted"), observations=many))
    assert frame.every == 1 + len(many) // 400
    assert len(frame.shown) <= 400 + 3
    last = [max(seen.number for seen in many if seen.step == step) for step in range(3)]
    assert {seen.number for seen in frame.shown} >= set(last)
