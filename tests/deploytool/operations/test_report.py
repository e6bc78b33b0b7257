"""A report is a file made from the record alone."""

from pathlib import Path

import pytest

from deploytool.errors import DeployError, InvalidInput
from deploytool.operations.report import report
from tests.deploytool.record.report import scenario


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The log of a canary that has seen a few polls: nothing else is there."""
    simulation = scenario.Simulation(tmp_path / "operations.log")
    simulation.start()
    simulation.observe(polls=3)
    return simulation.log


def test_the_latest_canary_is_reported_beside_the_others(log: Path, tmp_path: Path) -> None:
    path = report(log, tmp_path / "reports", "", None)
    assert path == tmp_path / "reports" / f"{scenario.RUN}.html"
    assert path.read_text().startswith("<!doctype html>")


def test_it_is_one_file_that_needs_nothing_else(log: Path, tmp_path: Path) -> None:
    text = report(log, tmp_path, scenario.RUN, tmp_path / "one.html").read_text()
    assert not any(word in text for word in ("<script", "http://", "https://", " src=", "@import"))


def test_what_stands_in_the_record_is_never_markup(tmp_path: Path) -> None:
    simulation = scenario.Simulation(tmp_path / "log")
    simulation.start()
    simulation.tell("note", "<b>inventory</b>", reason="<script>alert(1)</script>")
    text = report(simulation.log, tmp_path, scenario.RUN, None).read_text()
    assert "&lt;script&gt;alert(1)" in text
    assert "<script" not in text
    assert "<b>" not in text


def test_an_unknown_canary_leaves_no_file(log: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no canary began in run nope") as refused:
        report(log, tmp_path / "reports", "nope", None)
    assert refused.value.hint == f"the latest are {scenario.RUN}"
    assert not (tmp_path / "reports").exists()


def test_a_file_that_cannot_be_written_is_named(log: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(DeployError, match=r"the report .*/taken cannot be written"):
        report(log, tmp_path, "", tmp_path / "taken")
