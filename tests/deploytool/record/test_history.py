"""The log is read back, damaged or not."""

import json
from pathlib import Path

import pytest

from deploytool.errors import InvalidInput, RecordFailed
from deploytool.record.event import Event
from deploytool.record.history import UNFINISHED, read_canary, read_history, read_run
from deploytool.record.journal import Journal
from deploytool.record.origin import Origin


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "operations.log"


def journal(log: Path, run: str, command: str = "up") -> Journal:
    origin = Origin(run, "ada", "desk", "1.0", "", "local", command)
    return Journal(log, origin, clock=lambda: 1_795_000_000.0)


def test_commands_come_in_the_order_in_which_they_started(log: Path) -> None:
    with journal(log, "first", "canary").command() as canary:
        with journal(log, "second").command():
            pass
        canary.exit_code, canary.reason = 4, "more errors"
    first, second = read_history(log).commands
    assert (first.run, first.command, first.target, first.user) == (
        "first",
        "canary",
        "local",
        "ada",
    )
    assert first.started == "2026-11-18T11:06:40.000Z"
    assert (first.result, first.exit_code, first.reason) == ("rolled-back", 4, "more errors")
    assert first.duration_s is not None
    assert (second.run, second.result) == ("second", "ok")


def test_a_command_without_an_end_is_unfinished(log: Path) -> None:
    journal(log, "killed").record(Event("command-started"))
    [command] = read_history(log).commands
    assert (command.result, command.exit_code, command.duration_s) == (UNFINISHED, None, None)


def test_a_canary_is_told_with_what_differed(log: Path) -> None:
    written = journal(log, "first", "canary")
    with written.command():
        written.record(Event("canary-started", details={"differs": ["build", "FAULT=error:0.2"]}))
    with journal(log, "earlier", "canary").command():
        journal(log, "earlier", "canary").record(Event("canary-started"))
    first, earlier = read_history(log).commands
    assert first.differs == ("build", "FAULT=error:0.2")
    assert earlier.differs == ()


def test_no_log_is_an_empty_history(log: Path) -> None:
    history = read_history(log)
    assert (history.commands, history.damaged) == ((), ())


def test_a_torn_last_line_is_named_and_does_not_spoil_the_next(log: Path) -> None:
    with journal(log, "before").command():
        pass
    log.write_bytes(log.read_bytes() + b'{"time":"2026-11-24T07:55:00.1')
    [damage] = read_history(log).damaged
    assert str(damage.place) == f"{log}:4"
    assert "its writer was stopped" in damage.why
    with journal(log, "after").command():
        pass
    history = read_history(log)
    assert [command.run for command in history.commands] == ["before", "after"]
    assert [str(damage.place) for damage in history.damaged] == [f"{log}:4"]


@pytest.mark.parametrize("line", [b"\xff\xfe", b"[1]", b'{"run":"x"}', b"\0\0\0\0"])
def test_a_damaged_line_in_the_middle_is_named(log: Path, line: bytes) -> None:
    journal(log, "a").record(Event("command-started"))
    log.write_bytes(log.read_bytes() + line + b"\n")
    journal(log, "a").record(Event("command-ended", result="ok"))
    history = read_history(log)
    assert [command.result for command in history.commands] == ["ok"]
    assert [damage.place.line for damage in history.damaged] == [3]


def test_the_lines_of_one_run_come_as_they_were_written(log: Path) -> None:
    one, other = journal(log, "one"), journal(log, "other")
    one.record(Event("observation", details={"requests": 7}))
    other.record(Event("observation"))
    one.record(Event("verdict"))
    lines = read_run(log, "one")
    assert [line["event"] for line in lines] == ["observation", "verdict"]
    assert lines[0]["details"] == {"requests": 7}


def test_a_log_of_another_version_is_refused(log: Path) -> None:
    log.write_text(json.dumps({"schema": "deploytool-operations", "version": 1}) + "\n")
    with pytest.raises(RecordFailed, match="another version"):
        read_history(log)


def test_a_canary_is_told_by_its_run_and_by_every_run_that_went_on_with_it(log: Path) -> None:
    one, other, resumed = (journal(log, run) for run in ("one", "other", "resumed"))
    one.record(Event("canary-started", details={"canary_run": "one"}))
    other.record(Event("command-started"))
    resumed.record(Event("command-started"))
    resumed.record(Event("verdict", details={"canary_run": "one"}))
    other.record(Event("canary-started", details={"canary_run": "other"}))
    told = read_canary(log, "one")
    assert [(line["run"], line["event"]) for line in told.lines] == [
        ("one", "canary-started"),
        ("resumed", "command-started"),
        ("resumed", "verdict"),
    ]
    assert [place.line for place in told.places] == [2, 4, 5]
    assert read_canary(log).run == "other"


def test_who_asks_for_an_unknown_canary_is_told_the_latest(log: Path) -> None:
    with pytest.raises(InvalidInput, match="there was no canary yet"):
        read_canary(log)
    for number in range(7):
        journal(log, f"run-{number}").record(Event("canary-started"))
    with pytest.raises(InvalidInput, match="no canary began in run run-9") as refused:
        read_canary(log, "run-9")
    assert refused.value.hint == "the latest are run-6, run-5, run-4, run-3, run-2"
