"""A log that is full goes on in a new file, and all parts are read and checked as one log."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploytool.record import parts
from deploytool.record.chain import Chain, check_parts
from deploytool.record.event import Event
from deploytool.record.history import read_canary, read_history, read_run
from deploytool.record.journal import Journal
from deploytool.record.origin import Origin

FULL = 4_000
WRITER = """
import sys
from pathlib import Path
from deploytool.record import parts
from deploytool.record.event import Event
from deploytool.record.journal import Journal
from deploytool.record.origin import Origin
parts.FULL_BYTES = 4_000
path, run, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
journal = Journal(path, Origin(run, "ada", "desk", "1.0", "", "local", "canary"))
for number in range(count):
    journal.record(Event("observation", details={"number": number}))
"""


@pytest.fixture(autouse=True)
def soon_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "FULL_BYTES", FULL)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "operations.log"


def journal(log: Path, run: str = "run") -> Journal:
    return Journal(log, Origin(run, "ada", "desk", "1.0", "", "local", "canary"))


def filled(log: Path, count: int = 60) -> None:
    writer = journal(log)
    for number in range(count):
        writer.record(Event("observation", details={"number": number, "canary_run": "run"}))


def names(log: Path) -> list[str]:
    return sorted(path.name for path in log.parent.iterdir())


def checked(log: Path) -> Chain:
    with parts.opened(log) as found:
        return check_parts((part.path, part.content) for part in found)


def numbers(log: Path) -> list[int]:
    return [line["details"]["number"] for line in read_run(log, "run")]


def test_a_full_log_is_kept_under_the_next_number_and_loses_nothing(log: Path) -> None:
    filled(log)
    earlier = [path.name for path in parts.earlier_parts(log)]
    assert earlier[:2] == ["operations-000001.log", "operations-000002.log"]
    assert names(log) == [*earlier, "operations.log"]
    assert numbers(log) == list(range(60))
    assert all(path.stat().st_size < 2 * FULL for path in log.parent.iterdir())
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in log.parent.iterdir())


def test_one_chain_leads_through_all_parts(log: Path) -> None:
    filled(log)
    heads = len(names(log))
    assert checked(log) == Chain(60 + heads, (), None)
    head = json.loads(log.read_text().splitlines()[0])
    assert head["follows"]["part"] == parts.earlier_parts(log)[-1].name


def test_each_line_of_a_canary_is_placed_in_its_part(log: Path) -> None:
    filled(log)
    told = read_canary(log, "run")
    for line, place in zip(told.lines, told.places, strict=True):
        text = place.path.read_text().splitlines()[(place.line or 0) - 1]
        assert json.loads(text)["sequence"] == line["sequence"]
    assert len({place.path for place in told.places}) == len(names(log))


def test_history_reads_no_further_back_than_it_is_asked_for(log: Path) -> None:
    for number in range(20):
        with journal(log, f"run-{number}").command():
            pass
    parts.earlier_parts(log)[0].write_text("what is not read cannot be damaged\n")
    latest = read_history(log, 3)
    assert [command.run for command in latest.commands] == ["run-17", "run-18", "run-19"]
    assert {command.result for command in latest.commands} == {"ok"}
    assert latest.damaged == ()
    assert len(read_history(log).damaged) == 1


def test_a_changed_line_of_an_earlier_part_is_named_there(log: Path) -> None:
    filled(log)
    first = parts.earlier_parts(log)[0]
    first.write_text(first.read_text().replace('"number":3,', '"number":4,'))
    broken = checked(log).broken
    assert broken is not None
    assert str(broken.place) == f"{first}:5"


def test_a_missing_part_between_others_is_named(log: Path) -> None:
    filled(log)
    _, second, third, *_ = parts.earlier_parts(log)
    second.unlink()
    broken = checked(log).broken
    assert broken is not None
    assert str(broken.place) == f"{third}:1"
    assert second.name in broken.why


def test_a_log_whose_oldest_parts_were_thrown_away_says_after_which_it_begins(log: Path) -> None:
    filled(log)
    first, second, *_ = parts.earlier_parts(log)
    first.unlink()
    assert checked(log).broken is None
    assert checked(log).begins_after == first.name
    changed = second.read_text().replace('"follows":{', '"follows":{"x":1,')
    second.write_text(changed)
    assert checked(log).broken is not None


def test_a_writer_killed_between_keeping_a_part_and_beginning_the_next_loses_nothing(
    log: Path,
) -> None:
    filled(log, 5)
    os.link(log, parts.next_part(log))
    with parts.opened(log) as found:
        assert len(found) == 1
    filled(log, 40)
    assert numbers(log) == [*range(5), *range(40)]
    assert checked(log).broken is None


def test_a_piece_of_a_line_at_the_end_of_a_full_log_is_left_in_its_part(log: Path) -> None:
    filled(log, 8)
    while log.stat().st_size < FULL:
        journal(log).record(Event("note"))
    log.write_bytes(log.read_bytes() + b'{"time":"2026-')
    filled(log, 10)
    assert parts.earlier_parts(log) != []
    chain = checked(log)
    assert (len(chain.torn), chain.broken) == (1, None)


def test_where_a_part_cannot_be_kept_the_log_goes_on(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", refused)
    filled(log)
    assert names(log) == ["operations.log"]
    assert numbers(log) == list(range(60))
    assert checked(log).broken is None


def test_writers_at_the_same_time_lose_no_line_where_parts_are_closed(log: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    count = 150
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(log), run, str(count)], env=environment)
        for run in ("one", "two")
    ]
    assert [process.wait(60) for process in writers] == [0, 0]
    for run in ("one", "two"):
        lines = read_run(log, run)
        assert [line["sequence"] for line in lines] == list(range(1, count + 1))
    heads = len(names(log))
    assert heads > 10
    assert checked(log) == Chain(2 * count + heads, (), None)


def test_whoever_reads_keeps_nobody_from_writing(log: Path) -> None:
    filled(log)
    with parts.opened(log):
        filled(log)
    assert numbers(log) == [*range(60), *range(60)]


def test_a_part_that_is_closed_while_the_log_is_opened_is_read_once(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(log, 10)
    earlier_parts = parts.earlier_parts

    def meanwhile(path: Path) -> list[Path]:
        monkeypatch.setattr(parts, "earlier_parts", earlier_parts)
        before = len(earlier_parts(path))
        while len(earlier_parts(path)) == before:
            journal(log).record(Event("note"))
        return earlier_parts(path)

    monkeypatch.setattr(parts, "earlier_parts", meanwhile)
    assert checked(log).broken is None


def test_a_log_that_was_moved_away_begins_a_chain_of_its_own_and_that_is_said(log: Path) -> None:
    filled(log)
    log.rename(log.with_suffix(".moved"))
    filled(log)
    chain = checked(log)
    assert chain.broken is None
    assert ["a chain of its own begins here" in each.why for each in chain.torn] == [True]


def test_parts_are_numbered_on_where_the_earlier_ones_are_kept_elsewhere(log: Path) -> None:
    filled(log)
    earlier = parts.earlier_parts(log)
    for part in earlier:
        part.unlink()
    filled(log)
    assert parts.earlier_parts(log)[0].name == f"operations-{len(earlier) + 1:06}.log"
    assert checked(log).begins_after == earlier[-1].name
