"""The operations log holds whole lines, whatever happens to those who write it."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from deploytool.errors import DeployError, InvalidInput, Locked, RecordFailed
from deploytool.record.chain import Chain, End, check, continued
from deploytool.record.event import Event
from deploytool.record.history import read_history, read_run
from deploytool.record.journal import Journal, encoded
from deploytool.record.origin import Origin

ORIGIN = Origin(
    run="20261124T075500-3f2a",
    user="ada",
    host="desk",
    tool_version="1.0",
    git_sha="c0ffee",
    target="local",
    command="canary",
)

WRITER = """
import itertools, sys
from pathlib import Path
from deploytool.record.event import Event
from deploytool.record.journal import Journal, encoded
from deploytool.record.origin import Origin
path, run, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
journal = Journal(path, Origin(run, "ada", "desk", "1.0", "", "local", "canary"))
for number in range(count) if count else itertools.count():
    journal.record(Event("observation", reason="x" * 300, details={"number": number}))
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "operations.log"


def lines_of(log: Path) -> list[dict[str, Any]]:
    """The lines without their hashes, which test_chain.py is about."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        assert len(line.pop("hash")) == 64
    return lines


def writer(log: Path, run: str, count: int) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(log), run, str(count)], env=environment
    )


def test_a_line_says_when_who_what_and_how_it_went(log: Path) -> None:
    journal = Journal(log, ORIGIN, clock=lambda: 1_795_000_000.1239)
    journal.record(
        Event(
            "transition",
            object="new-microservice canary 3f2a",
            action="observing",
            result="ok",
            reason="it answers",
            duration_s=1.5,
            details={"weight_percent": 10},
            view=object(),
        )
    )
    assert lines_of(log) == [
        {"schema": "deploytool-operations", "version": 2},
        {
            "time": "2026-11-18T11:06:40.123Z",
            "run": "20261124T075500-3f2a",
            "sequence": 1,
            "user": "ada",
            "host": "desk",
            "tool_version": "1.0",
            "git_sha": "c0ffee",
            "target": "local",
            "command": "canary",
            "event": "transition",
            "object": "new-microservice canary 3f2a",
            "action": "observing",
            "result": "ok",
            "reason": "it answers",
            "duration_s": 1.5,
            "exit_code": None,
            "details": {"weight_percent": 10},
        },
    ]


def test_only_its_owner_may_read_it(log: Path) -> None:
    Journal(log, ORIGIN).record(Event("waiting"))
    assert log.stat().st_mode & 0o777 == 0o600


def test_an_event_is_on_record_before_anybody_is_told(log: Path) -> None:
    told: list[str] = []

    def listener(event: Event) -> None:
        assert lines_of(log)[-1]["event"] == event.event
        told.append(event.event)

    journal = Journal(log, ORIGIN, [listener])
    journal.record(Event("verdict"))
    journal.record(Event("promoted"))
    assert told == ["verdict", "promoted"]


def test_nobody_is_told_of_what_could_not_be_written() -> None:
    told: list[Event] = []
    journal = Journal(Path("/dev/full"), ORIGIN, [told.append])
    with pytest.raises(RecordFailed) as failed:
        journal.record(Event("verdict"))
    assert failed.value.why == "No space left on device"
    assert "/dev/full" in failed.value.hint
    assert told == []


def test_a_folder_in_its_place_is_a_failure_of_the_record(tmp_path: Path) -> None:
    with pytest.raises(RecordFailed, match="cannot be written"):
        Journal(tmp_path, ORIGIN).record(Event("verdict"))


def test_figures_that_are_no_json_do_not_fail_the_record(log: Path) -> None:
    details: Any = {"ratio": float("nan"), "path": Path("/x"), "half": "\ud800", "pair": (1, 2)}
    Journal(log, ORIGIN).record(Event("observation", details=details))
    assert lines_of(log)[-1]["details"] == {
        "ratio": None,
        "path": "/x",
        "half": "\ud800",
        "pair": [1, 2],
    }


def test_a_secret_reaches_neither_log_nor_listener(log: Path) -> None:
    told: list[Event] = []
    journal = Journal(log, ORIGIN, [told.append])
    journal.masking.add('s3cret"pass')
    details: Any = {"deep": [{'s3cret"pass': 's3cret"pass'}], "coded": "czNjcmV0InBhc3M="}
    journal.record(Event("migrated", 's3cret"pass', 's3cret"pass', details=details))
    with pytest.raises(DeployError), journal.command():
        raise DeployError("the login failed", why='the password s3cret"pass is wrong')
    for text in (log.read_text(), repr(told)):
        assert "s3cret" not in text
        assert "czNjcmV0" not in text
    assert told[-1].reason == "the login failed: the password [masked] is wrong"


@pytest.mark.parametrize(
    ("exit_code", "result"),
    [(0, "ok"), (1, "failed"), (3, "changes"), (4, "rolled-back"), (5, "held")],
)
def test_a_command_ends_with_the_exit_code_that_it_says(
    log: Path, exit_code: int, result: str
) -> None:
    with Journal(log, ORIGIN).command() as end:
        end.exit_code = exit_code
        end.reason = "because"
    started, ended = lines_of(log)[1:]
    assert (started["event"], started["exit_code"]) == ("command-started", None)
    assert ended["event"] == "command-ended"
    assert (ended["exit_code"], ended["result"], ended["reason"]) == (exit_code, result, "because")
    assert ended["duration_s"] >= 0


@pytest.mark.parametrize(
    ("error", "exit_code", "result", "reason"),
    [
        (Locked("local is held", why="by ada"), 6, "locked", "local is held: by ada"),
        (InvalidInput("no such thing"), 2, "failed", "no such thing"),
        (KeyboardInterrupt(), 130, "interrupted", "interrupted by the user"),
        (SystemExit(5), 5, "held", "SystemExit: 5"),
        (ZeroDivisionError("division"), 1, "failed", "ZeroDivisionError: division"),
    ],
)
def test_an_exception_ends_a_command_on_record_and_goes_on(
    log: Path, error: BaseException, exit_code: int, result: str, reason: str
) -> None:
    with pytest.raises(type(error)), Journal(log, ORIGIN).command():
        raise error
    ended = lines_of(log)[-1]
    assert (ended["exit_code"], ended["result"], ended["reason"]) == (exit_code, result, reason)


def test_a_full_disk_at_the_end_does_not_hide_what_ended_the_command(log: Path) -> None:
    def refused_on_a_full_disk() -> None:
        with Journal(log, ORIGIN).command():
            log.unlink()
            log.symlink_to("/dev/full")
            raise Locked("local is held")

    with pytest.raises(Locked) as locked:
        refused_on_a_full_disk()
    assert locked.value.__notes__ == [
        "the end of the command is not on record: No space left on device"
    ]


def test_a_log_that_was_moved_away_is_begun_again(log: Path) -> None:
    journal = Journal(log, ORIGIN)
    journal.record(Event("waiting"))
    log.rename(log.with_suffix(".1"))
    journal.record(Event("ready"))
    assert "schema" in lines_of(log)[0]
    assert [line["sequence"] for line in lines_of(log)[1:]] == [2]


def test_a_log_of_another_version_is_left_as_it_is(log: Path) -> None:
    log.parent.mkdir()
    log.write_text('{"schema":"deploytool-operations","version":1}\n')
    with pytest.raises(RecordFailed, match="another version") as refused:
        Journal(log, ORIGIN).record(Event("waiting"))
    assert refused.value.why == f"{log}:1 says 1, this deploytool reads and writes 2"
    assert len(log.read_text().splitlines()) == 1


def test_a_writer_waits_until_another_has_begun_the_log(log: Path) -> None:
    log.parent.mkdir()
    second = threading.Thread(target=lambda: Journal(log, ORIGIN).record(Event("second")))
    with log.open("wb") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        second.start()
        second.join(0.2)
        assert log.read_bytes() == b""
        head = encoded({"schema": "deploytool-operations", "version": 2})
        first.write(continued(End(), head))
    second.join()
    assert [line.get("event", "head") for line in lines_of(log)] == ["head", "second"]


def test_writers_at_the_same_time_leave_whole_lines_under_one_head(log: Path) -> None:
    count = 300
    writers = [writer(log, run, count) for run in ("one", "two")]
    assert [process.wait(20) for process in writers] == [0, 0]
    lines = lines_of(log)
    assert [index for index, line in enumerate(lines) if "schema" in line] == [0]
    for run in ("one", "two"):
        written = [line for line in lines[1:] if line["run"] == run]
        assert [line["sequence"] for line in written] == list(range(1, count + 1))
    assert check(log.read_bytes(), log) == Chain(2 * count + 1, (), None)


def test_threads_of_one_process_keep_the_sequence(log: Path) -> None:
    journal = Journal(log, ORIGIN)

    def write() -> None:
        for _ in range(100):
            journal.record(Event("observation"))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [line["sequence"] for line in lines_of(log)[1:]] == list(range(1, 401))


def test_kill_9_in_the_middle_of_writing_leaves_a_log_that_goes_on(log: Path) -> None:
    for size in (5_000, 50_000, 100_000):
        process = writer(log, "killed", 0)
        while not log.exists() or log.stat().st_size < size:
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    with Journal(log, ORIGIN).command():
        pass
    history = read_history(log)
    assert [command.result for command in history.commands] == ["ok"]
    # The kernel takes a line wholly or not at all, so nothing is damaged.
    assert history.damaged == ()
    assert check(log.read_bytes(), log).broken is None
    assert len(read_run(log, "killed")) > 100


def test_a_display_that_fails_is_told_nothing_more_and_the_operation_goes_on(log: Path) -> None:
    told: list[str] = []
    reader, writer_ = os.pipe()
    os.close(reader)  # as `| head` does when it has enough
    with os.fdopen(writer_, "w") as gone:

        def display(event: Event) -> None:
            print(event.event, file=gone, flush=True)

        journal = Journal(log, ORIGIN, [display, lambda event: told.append(event.event)])
        for name in ("started", "ready", "promoted"):
            journal.record(Event(name))
        with pytest.raises(BrokenPipeError):
            gone.close()
    recorded = [line["event"] for line in lines_of(log)[1:]]
    assert recorded == ["started", "note", "ready", "promoted"]
    assert told == ["note", "started", "ready", "promoted"]
    [note] = [line for line in lines_of(log)[1:] if line["event"] == "note"]
    assert "BrokenPipeError" in note["reason"]
    assert "the operation goes on" in note["reason"]


def test_ctrl_c_in_a_display_ends_the_operation(log: Path) -> None:
    def interrupted(_: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Journal(log, ORIGIN, [interrupted]).record(Event("ready"))


def test_what_changes_nothing_goes_on_without_a_record_and_says_so_once(tmp_path: Path) -> None:
    warned: list[str] = []
    journal = Journal(Path("/dev/full"), ORIGIN, is_required=False, warn=warned.append)
    with journal.command():
        journal.record(Event("check"))
    assert warned == [
        "the operations log /dev/full cannot be written: No space left on device; "
        "this command is not on record"
    ]


def test_a_command_that_has_ended_is_not_said_to_have_failed_as_its_end_cannot_be_written(
    log: Path,
) -> None:
    warned: list[str] = []
    with Journal(log, ORIGIN, warn=warned.append).command():
        log.unlink()
        log.symlink_to("/dev/full")
    assert "the end of the command is not on record" in warned[0]
