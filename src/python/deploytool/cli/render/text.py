"""Results as text for people."""

import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest

import click

_COLOURS = {
    "ready": "green",
    "ok": "green",
    "failed": "red",
    "not tried": "yellow",
    "absent": "yellow",
    "waiting": "yellow",
    "serving": "yellow",
    "create": "green",
    "update": "yellow",
    "start": "yellow",
    "apply": "yellow",
    "migrate": "cyan",
}
_GAP = 2
# No column is made narrower.
_LEAST_WIDTH = 12


def terminal_width() -> int:
    """Return the columns of the terminal; 80, or what COLUMNS says, where there is none."""
    return shutil.get_terminal_size().columns


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    width: int,
    notes: Iterable[Sequence[str]] = (),
) -> str:
    """Return columns as wide as their widest cell; words with a meaning are coloured.

    Where that is more than width, the widest columns are narrowed and their cells broken. notes: of
    each row, sentences below it.
    """
    cells = [list(header), *(list(row) for row in rows)]
    widths = _widths(cells, width)
    lines = []
    for number, (row, below) in enumerate(zip_longest(cells, ((), *notes), fillvalue=())):
        broken = [
            textwrap.wrap(cell, max(1, w), break_on_hyphens=False)
            for cell, w in zip(row, widths, strict=True)
        ]
        for parts in zip_longest(*broken, fillvalue=""):
            styled = [
                _styled(part, cell, w, is_header=number == 0)
                for part, cell, w in zip(parts, row, widths, strict=True)
            ]
            lines.append((" " * _GAP).join(styled).rstrip())
        for note in below:
            lines += textwrap.wrap(
                note, width, initial_indent=" " * _GAP, subsequent_indent=" " * 2 * _GAP
            )
    return "\n".join(lines)


def labelled(values: Mapping[str, str]) -> str:
    """Return a line for each value, indented, with its name in front."""
    widest = max(map(len, values), default=0)
    return "\n".join(f"  {name.ljust(widest)}  {value}" for name, value in values.items())


def _widths(cells: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return the columns' widths: what they need, or so much less that all have room.

    A word, such as a name to be copied, is broken only where nothing else gives room.
    """
    columns = list(zip(*cells, strict=True))
    widths = [max(map(len, column)) for column in columns]
    words = [
        max((len(w) for cell in column for w in cell.split()), default=0) for column in columns
    ]
    room = width - _GAP * (len(columns) - 1)
    for least in (words, [_LEAST_WIDTH] * len(columns)):
        while sum(widths) > room:
            spare = [each - min(each, floor) for each, floor in zip(widths, least, strict=True)]
            if not any(spare):
                break
            widest = max(range(len(widths)), key=lambda n: (spare[n] > 0, widths[n]))
            widths[widest] -= 1
    return widths


def _styled(part: str, cell: str, width: int, *, is_header: bool) -> str:
    padding = " " * (width - len(part))
    if is_header:
        return click.style(part.upper(), dim=True) + padding
    return click.style(part, fg=_COLOURS.get(cell)) + padding
