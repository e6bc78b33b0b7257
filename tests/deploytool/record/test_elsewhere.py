"""What is done while the operations log cannot be written is on record elsewhere, and returns."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from deploytool.record.chain import check
from deploytool.record.elsewhere import bring_back, places
from deploytool.record.event import Event
from deploytool.record.history import read_history
from deploytool.record.journal import Journal, append
from deploytool.record.origin import Origin
from tests.full_disk import full_disk

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="to mount a file system needs root")


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def origin(run: str, command: str = "abort") -> Origin:
    return Origin(run, "ada", "desk", "1.0", "", "local", command)


def journal(log: Path, state: Path, warned: list[str], run: str = "r2") -> Journal:
    return Journal(log, origin(run), elsewhere=places(state), is_required=False, warn=warned.append)


def lines_of(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()][1:]


def blocked(log: Path) -> None:
    """Put what cannot be written to in the place of the log."""
    log.parent.mkdir(exist_ok=True)
    log.unlink(missing_ok=True)
    log.symlink_to("/dev/full")


def test_the_record_is_kept_in_the_state_folder_and_that_is_said_once(tmp_path: Path) -> None:
    log, state, warned = tmp_path / "logs" / "operations.log", tmp_path / "state", list[str]()
    blocked(log)
    with journal(log, state, warned).command():
        pass
    assert [line["event"] for line in lines_of(state / "operations.log")] == [
        "command-started", "command-ended",
    ]  # fmt: skip
    [warning] = warned
    assert "No space left on device" in warning
    assert str(state / "operations.log") in warning


def test_it_is_kept_in_a_temporary_folder_where_the_state_folder_takes_nothing_either(
    tmp_path: Path, temporary: Path
) -> None:
    log, state, warned = tmp_path / "logs" / "operations.log", tmp_path / "state", list[str]()
    blocked(log)
    state.write_text("no folder")
    journal(log, state, warned).record(Event("ready"))
    assert str(temporary) in warned[0]
    [kept] = temporary.glob("*/*.log")
    assert kept.parent.stat().st_mode & 0o077 == 0
    assert kept.stat().st_mode & 0o077 == 0


def test_a_folder_that_others_may_write_to_is_not_used(tmp_path: Path, temporary: Path) -> None:
    (temporary / f"deploytool-{os.getuid()}").mkdir(mode=0o777)
    (temporary / f"deploytool-{os.getuid()}").chmod(0o777)
    assert list(places(tmp_path / "state")) == [tmp_path / "state" / "operations.log"]


def test_nothing_is_made_in_the_temporary_folder_before_it_is_needed(
    tmp_path: Path, temporary: Path
) -> None:
    log, state = tmp_path / "logs" / "operations.log", tmp_path / "state"
    bring_back(log, state)
    journal(log, state, []).record(Event("ready"))
    assert list(temporary.iterdir()) == []


def test_what_was_kept_in_the_temporary_folder_comes_back_as_well(
    tmp_path: Path, temporary: Path
) -> None:
    log, state = tmp_path / "logs" / "operations.log", tmp_path / "state"
    blocked(log)
    state.write_text("no folder")
    journal(log, state, []).record(Event("ready"))
    log.unlink()
    assert bring_back(log, state) == 1
    assert [line["event"] for line in lines_of(log)] == ["ready"]
    assert list(temporary.glob("*/*.log")) == []


@needs_root
def test_what_was_kept_on_a_full_disk_goes_on_with_the_chain_of_the_log(tmp_path: Path) -> None:
    state, warned = tmp_path / "state", list[str]()
    with full_disk(tmp_path / "logs") as (folder, fill):
        log = folder / "operations.log"
        with Journal(log, origin("r1", "canary")).command():
            pass
        fill()
        aborting = journal(log, state, warned)
        with aborting.command():
            # The first line fits into the last page of the log; this one is written in part.
            aborting.record(Event("check", reason="x" * 8192))
        assert len(warned) == 1
        assert bring_back(log, state) == 0
        assert (state / "operations.log.taken").is_file()
        (folder / "filling").unlink()
        assert bring_back(log, state) == 2
        assert list(state.glob("operations*")) == []
        assert bring_back(log, state) == 0
        with Journal(log, origin("r3", "up")).command():
            pass
        chain = check(log.read_bytes(), log)
        assert (chain.lines, len(chain.torn), chain.broken) == (8, 1, None)
        history = read_history(log)
        assert [(past.run, past.result) for past in history.commands] == [
            ("r1", "ok"), ("r2", "ok"), ("r3", "ok"),
        ]  # fmt: skip


def test_who_is_killed_while_bringing_back_loses_and_doubles_nothing(tmp_path: Path) -> None:
    log, state = tmp_path / "logs" / "operations.log", tmp_path / "state"
    kept = state / "operations.log"
    for run in ("r1", "r2", "r3"):
        Journal(kept, origin(run)).record(Event("note"))
    # As it stands when two lines were added, and another command has begun to write there since.
    taken = kept.rename(state / "operations.log.taken")
    for line in taken.read_bytes().splitlines()[1:3]:
        append(log, line.rpartition(b',"hash"')[0] + b"}")
    Journal(kept, origin("r4")).record(Event("note"))
    assert bring_back(log, state) == 2
    assert [line["run"] for line in lines_of(log)] == ["r1", "r2", "r3", "r4"]
    assert list(state.iterdir()) == []


def test_what_cannot_be_added_waits_also_while_more_is_kept(tmp_path: Path) -> None:
    log, state = tmp_path / "logs" / "operations.log", tmp_path / "state"
    blocked(log)
    for run in ("r1", "r2"):
        journal(log, state, [], run).record(Event("note"))
        assert bring_back(log, state) == 0
    log.unlink()
    assert bring_back(log, state) == 2
    assert [line["run"] for line in lines_of(log)] == ["r1", "r2"]
