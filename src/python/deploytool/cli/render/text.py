"""Results as text for people."""

from collections.abc import Iterable, Sequence

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


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return columns as wide as their widest cell; words with a meaning are coloured."""
    cells = [list(header), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = []
    for number, row in enumerate(cells):
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        styled = [_styled(cell, is_header=number == 0) for cell in padded]
        lines.append("  ".join(styled).rstrip())
    return "\n".join(lines)


def _styled(cell: str, *, is_header: bool) -> str:
    if is_header:
        return click.style(cell.upper(), dim=True)
    return click.style(cell, fg=_COLOURS.get(cell.strip()))
