"""The options of `deploytool logs`, and how its lines look."""

import json
import re

import click
import pytest

from deploytool.cli.commands.logs import Columns, Duration, Pattern, chosen_lines, json_line
from deploytool.platforms.base import LogLine, Role

LINES = [
    LogLine("web", Role.STABLE, "GET /livez"),
    LogLine("web", Role.STABLE, "GET /orders"),
    LogLine("web", Role.STABLE, "a gap", is_note=True),
    LogLine("web", Role.CANARY, "error at /orders"),
]


def texts(include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> list[str]:
    patterns = [[re.compile(each) for each in given] for given in (include, exclude)]
    return [line.text for line in chosen_lines(LINES, *patterns)]


def test_patterns_let_lines_through_and_notes_always() -> None:
    assert texts() == [line.text for line in LINES]
    assert texts(include=("orders$",)) == ["GET /orders", "a gap", "error at /orders"]
    assert texts(exclude=("^GET",)) == ["a gap", "error at /orders"]
    assert texts(include=("livez", "error"), exclude=("GET",)) == ["a gap", "error at /orders"]


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("10m", 600), ("1h30m", 5400), ("2d", 172_800)]
)
def test_a_time_is_written_with_units(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "-5m", "1.5h", "10 m"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="10m") as refused:
        Duration().convert(text, None, None)
    assert refused.value.exit_code == 2


def test_what_is_no_expression_is_refused_with_its_fault() -> None:
    with pytest.raises(click.BadParameter, match="unterminated subpattern") as refused:
        Pattern().convert("(a", None, None)
    assert refused.value.exit_code == 2


def test_an_object_of_json_tells_all_and_of_a_note_that_it_is_one() -> None:
    line = LogLine("web", Role.CANARY, "häl\tlo", "2ec010355e0f", "web-canary-7c85-ht78v")
    assert json.loads(json_line(line)) == {
        "component": "web",
        "role": "canary",
        "revision": "2ec010355e0f",
        "instance": "web-canary-7c85-ht78v",
        "text": "häl\tlo",
    }
    assert json.loads(json_line(LINES[2]))["note"] is True


def test_each_line_tells_who_wrote_it() -> None:
    columns = Columns(["web", "database"])
    plain = click.unstyle(columns.text(LINES[1]))
    assert plain == "web      stable GET /orders"
    pod = LogLine("web", Role.CANARY, "hello", "2ec010355e0f", "web-canary-7c85-ht78v")
    assert click.unstyle(columns.text(pod)) == "web      canary 2ec0103 ht78v hello"
    assert click.unstyle(columns.text(LINES[2])) == "web      stable (a gap)"
    assert columns.text(pod) != click.unstyle(columns.text(pod))
