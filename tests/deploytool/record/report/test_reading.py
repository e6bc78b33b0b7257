"""What a report shows is what the record says."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deploytool.canary.machine import Event, Phase
from deploytool.canary.verdict import Decision
from deploytool.errors import InvalidInput, RecordFailed
from deploytool.record import event as record_event
from deploytool.record.history import read_canary
from deploytool.record.journal import Journal
from deploytool.record.origin import Origin
from deploytool.record.report.page import headline, meaning, page
from deploytool.record.report.reading import read_report
from deploytool.record.report.view import Report
from deploytool.record.report.words import unbroken
from tests.deploytool.record.report import scenario
from tests.deploytool.record.report.scenario import Simulation

Read = Callable[[str], Report]


def read(log: Path) -> Report:
    return read_report(read_canary(log, scenario.RUN))


@pytest.mark.parametrize(
    ("end", "phase", "words", "step"),
    [
        ("promoted", Phase.PROMOTED, "was promoted", 2),
        ("failing", Phase.ROLLED_BACK, "was rolled back", 1),
        ("slow", Phase.ROLLED_BACK, "was rolled back", 2),
        ("held", Phase.HELD, "is held", 0),
    ],
)
def test_the_verdict_that_decided_is_told(
    report: Read, end: str, phase: Phase, words: str, step: int
) -> None:
    told = report(end)
    outcome = told.outcome
    assert (outcome.phase, headline(told)) == (phase, words)
    assert outcome.verdict is not None
    assert outcome.decided is not None
    assert (outcome.why, outcome.verdict.figures.step) == (outcome.verdict.sentence, step)
    assert outcome.decided.at_s <= outcome.took_s


def test_a_canary_that_runs_is_told_as_far_as_it_went(report: Read) -> None:
    told = report("running")
    assert (headline(told), told.outcome.decided) == ("is not decided yet", None)
    assert told.outcome.why == told.observations[-1].verdict.sentence
    assert [step.weight_percent for step in told.steps] == [10, 25, 50]


def test_in_what_it_differed_from_stable_is_told(report: Read) -> None:
    told = report("promoted")
    assert told.differs == ("build", "STOCK_CACHE_S=30")
    assert "<code>STOCK_CACHE_S=30</code>" in page(told)


def test_an_earlier_record_has_the_names_of_the_settings_alone(tmp_path: Path) -> None:
    origin = Origin(scenario.RUN, "ada", "desk", "0.1.0", "", "local", "canary")
    started = record_event.Event(
        "canary-started",
        details={
            "canary_run": scenario.RUN,
            "component": "inventory",
            "stable": "aa",
            "canary": "bb",
            "steps": [10],
            "is_held_at_end": False,
            "settings": ["STOCK_CACHE_S"],
        },
    )
    Journal(tmp_path / "log", origin).record(started)
    assert read(tmp_path / "log").differs == ("STOCK_CACHE_S",)


def test_a_poll_that_a_killed_process_had_not_taken_in_is_void(report: Read) -> None:
    told = report("resumed")
    assert [seen.number for seen in told.observations] == [*range(1, len(told.observations) + 1)]
    [before, after] = [seen.at_s for seen in told.observations if seen.number in {24, 25}]
    assert after - before > 26 * 3600
    last_step = told.steps[-1]
    assert last_step.ended_s - last_step.begun_s > 26 * 3600
    assert last_step.observed_s < 60


def test_a_promotion_says_for_how_long_the_canary_was_observed(report: Read) -> None:
    told = report("promoted")
    seconds = round(sum(step.observed_s for step in told.steps))
    words = f"This canary was observed for {seconds} s: what fails later than that was never seen."
    assert unbroken(words) in page(told)
    assert "was never seen" not in page(report("failing"))


def test_steps_that_last_differently_are_told_one_by_one(report: Read) -> None:
    told = report("promoted")
    assert "<dd>5 s to 1 min</dd>" in page(told)
    assert told.policy is not None
    policy = told.policy.model_copy(update={"least_step_s": (5.0, 30.0, 600.0)})
    text = page(replace(told, policy=policy))
    assert "<dd>5 s to 1 min, 30 s to 1 min, 10 min to 10 min</dd>" in text


def test_who_decides_instead_of_the_evidence_is_named(tmp_path: Path) -> None:
    simulation = scenario.held(tmp_path / "log")
    simulation.begin_command("20261124T100000-0001", "promote", user="bob")
    simulation.move(Event.PROMOTE, "promote was asked for")
    simulation.finish()
    told = read(tmp_path / "log")
    assert headline(told) == "was promoted"
    assert told.outcome.verdict is None
    assert told.outcome.decided is not None
    assert (told.outcome.decided.by, told.outcome.decided.command) == ("bob@desk", "promote")
    assert "not decided on the evidence" in meaning(told)


def test_a_canary_taken_back_for_want_of_evidence_is_not_called_bad(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path / "log", requests_per_s=5.0, is_taken_back=True)
    simulation.start()
    simulation.observe()
    told = read(tmp_path / "log")
    assert headline(told) == "is being rolled back"
    assert told.outcome.verdict is not None
    assert told.outcome.verdict.decision is Decision.HOLD
    assert "Neither health nor harm" in meaning(told)


def test_stable_restored_before_an_abort_does_not_hide_who_decided(tmp_path: Path) -> None:
    simulation = scenario.Simulation(tmp_path / "log")
    simulation.start()
    simulation.observe()
    simulation.move(Event.ABORT, "abort was asked for")
    simulation.finish()
    told = read(tmp_path / "log")
    assert (headline(told), told.outcome.why) == ("was rolled back", "abort was asked for")


def test_a_canary_without_one_request_has_no_figures(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path / "log")
    simulation.start()
    simulation.move(Event.ABORT, "GET /health answers 500")
    simulation.finish()
    told = read(tmp_path / "log")
    assert (told.observations, told.steps) == ((), ())
    assert told.outcome.why == "GET /health answers 500"


def test_a_clock_set_back_does_not_turn_time_round(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path / "log")
    simulation.start()
    simulation.observe(polls=5)
    simulation.now -= 3600
    simulation.observe(polls=5)
    moments = [entry.at_s for entry in read(tmp_path / "log").entries]
    assert moments == sorted(moments)


def test_an_update_without_evidence_is_no_canary(tmp_path: Path) -> None:
    origin = Origin("r1", "ada", "desk", "1.0", "", "local", "up")
    Journal(tmp_path / "log", origin).record(
        record_event.Event("transition", details={"canary_run": "r1", "weight": 100})
    )
    with pytest.raises(InvalidInput, match="run r1 was no canary"):
        read_report(read_canary(tmp_path / "log", "r1"))


def test_a_record_of_another_form_is_refused_by_name(tmp_path: Path) -> None:
    origin = Origin("r1", "ada", "desk", "1.0", "", "local", "canary")
    Journal(tmp_path / "log", origin).record(
        record_event.Event("canary-started", details=json.loads('{"canary_run": "r1"}'))
    )
    with pytest.raises(RecordFailed, match="canary r1 cannot be understood"):
        read_report(read_canary(tmp_path / "log", "r1"))
