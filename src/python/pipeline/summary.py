"""What people read after a step: Markdown, in the summary of the job or on standard output."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

# GitHub shows no summary of a step that is longer: bytes.
_MOST = 1024 * 1024
# Entities and escapes; behind @ and # a space without width, so that nobody is notified.
_PLAIN = {
    **{each: f"\\{each}" for each in "\\`*_[]|~"},
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "@": "@\u200b",
    "#": "#\u200b",
}
_CUT = "\n\n*The rest is left out: it is too long to be shown here.*\n"


def show(markdown: str) -> None:
    """Add to the summary of the job; print it where there is none."""
    place = os.environ.get("GITHUB_STEP_SUMMARY")
    if not place:
        sys.stdout.write(f"{markdown}\n")
        return
    with Path(place).open("a", encoding="utf-8") as file:
        file.write(f"{shortened(markdown, _MOST)}\n")


def shortened(markdown: str, most: int) -> str:
    """Return the text, with its end left out where it has more bytes than that, and a note."""
    encoded = markdown.encode()
    if len(encoded) <= most:
        return markdown
    kept = encoded[: most - len(_CUT.encode())].decode(errors="ignore")
    return kept.rpartition("\n")[0] + _CUT


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a table; what stands in its cells breaks no line and no column."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def plain(text: str) -> str:
    """Return text of others as text: no markup, no mention, no link and no HTML comes out of it."""
    return "".join(_PLAIN.get(each, each) for each in text)


def _cell(text: str) -> str:
    return " ".join(text.split())
