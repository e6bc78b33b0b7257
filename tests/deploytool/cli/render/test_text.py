"""Tables fit the terminal, and lose no word."""

import click
import pytest

from deploytool.cli.render.text import labelled, table

HEADER = ("object", "found")
ROWS = [
    ("inventory", "3 rows break it: sku CUP-GLAZE has 2 on hand and 5 reserved"),
    ("shop", "none"),
]


def plain(width: int, notes: list[list[str]] | None = None) -> list[str]:
    return click.unstyle(table(HEADER, ROWS, width, notes or [])).splitlines()


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert plain(80) == [
        "OBJECT     FOUND",
        "inventory  3 rows break it: sku CUP-GLAZE has 2 on hand and 5 reserved",
        "shop       none",
    ]


def test_the_widest_column_is_broken_where_there_is_no_room() -> None:
    assert plain(40) == [
        "OBJECT     FOUND",
        "inventory  3 rows break it: sku",
        "           CUP-GLAZE has 2 on hand and 5",
        "           reserved",
        "shop       none",
    ]


@pytest.mark.parametrize("width", range(27, 90))
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = plain(width, [["differs in: build, STOCK_CACHE_S=30"], []])
    assert max(map(len, lines)) <= width
    assert "STOCK_CACHE_S=30" in "".join(line.strip() for line in lines)


def test_a_name_to_be_copied_stays_whole_as_long_as_words_can_be_moved() -> None:
    rows = [("20261124T075500-3f2a", "a long reason in short words, of a canary taken back")]
    lines = click.unstyle(table(("run", "reason"), rows, 40)).splitlines()
    assert lines[1].startswith("20261124T075500-3f2a  ")
    assert max(map(len, lines)) <= 40


def test_a_note_stands_below_its_row() -> None:
    assert plain(80, [["differs in: build"], ["", "more errors"]]) == [
        "OBJECT     FOUND",
        "inventory  3 rows break it: sku CUP-GLAZE has 2 on hand and 5 reserved",
        "  differs in: build",
        "shop       none",
        "  more errors",
    ]


def test_a_table_without_rows_is_its_header() -> None:
    assert click.unstyle(table(HEADER, [], 80)) == "OBJECT  FOUND"


def test_values_stand_below_each_other_beside_their_names() -> None:
    assert (
        labelled({"shop": "/app/", "inventory": "/v1/"}) == "  shop       /app/\n  inventory  /v1/"
    )
