"""Log files: their last lines, and following them across rotation."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploytool.platforms.base import LogLine, Role
from deploytool.platforms.local.logs import LogFile, last_lines, read_logs, written_since


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "web-stable.log"


def following(path: Path, lines: int = 0) -> Iterator[LogLine]:
    files = [LogFile("web", Role.STABLE, path)]
    return read_logs(files, lines=lines, follow=True, is_stopped=lambda: False)


def test_the_last_lines_of_a_long_file(path: Path) -> None:
    path.write_text("".join(f"line {n} {'x' * 100}\n" for n in range(5000)))
    assert [line.split()[1] for line in last_lines(path, 3)] == ["4997", "4998", "4999"]
    assert len(last_lines(path, 2000)) == 2000
    assert len(last_lines(path, 9000)) == 5000


def test_no_file_has_no_lines(path: Path) -> None:
    assert last_lines(path, 3) == []


def test_following_yields_whole_lines_only(path: Path) -> None:
    path.write_text("one\ntwo\n")
    lines = following(path, lines=1)
    assert next(lines) == LogLine("web", Role.STABLE, "two")
    with path.open("a") as file:
        file.write("thr")
        file.flush()
        file.write("ee\nfo")
        file.flush()
        assert next(lines).text == "three"
        file.write("ur\n")
        file.flush()
        assert next(lines).text == "four"


def test_following_goes_on_across_a_rotation(path: Path) -> None:
    path.write_text("before\n")
    lines = following(path, lines=5)
    assert next(lines).text == "before"
    with path.open("a") as file:
        file.write("last of the old\n")
    path.rename(path.with_suffix(".log.1"))
    path.write_text("first of the new\n")
    assert [next(lines).text, next(lines).text] == ["last of the old", "first of the new"]


def test_following_a_file_that_comes_later(path: Path) -> None:
    lines = following(path, lines=5)
    is_stopped = iter([False, True])
    assert not list(
        read_logs(
            [LogFile("web", Role.CANARY, path)],
            lines=5,
            follow=True,
            is_stopped=lambda: next(is_stopped),
        )
    )
    path.write_text("here\n")
    assert next(lines).text == "here"


def test_lines_since_a_time_are_those_from_the_first_one_that_tells_a_later_one() -> None:
    lines = [
        '{"event": "old", "timestamp": "2026-11-26T01:59:59.999Z"}',
        "Traceback of the old one",
        "2026-11-26 03:00:00.001 +01:00 [28] LOG:  checkpoint starting",
        "a line without a time",
        "2026-11-26 02:00:01.5 UTC later",
        "2026-99-99T00:00:00Z is no time",
    ]
    moment = datetime(2026, 11, 26, 2, 0, 0, tzinfo=UTC).timestamp()
    assert written_since(moment, lines) == lines[2:]
    assert written_since(moment + 1, lines) == lines[4:]
    assert written_since(moment + 60, lines) == []


def test_since_and_the_last_lines_both_limit(path: Path) -> None:
    path.write_text("".join(f"2026-11-26T02:00:0{n}Z {n}\n" for n in range(9)))
    since = datetime(2026, 11, 26, 2, 0, 5, tzinfo=UTC).timestamp()
    for lines, expected in ((None, "5678"), (2, "78"), (8, "5678")):
        found = read_logs(
            [LogFile("web", Role.STABLE, path)],
            lines=lines,
            since=since,
            follow=False,
            is_stopped=bool,
        )
        assert "".join(line.text[-1] for line in found) == expected
