"""What people read after a step: Markdown, in the summary of the job or on standard output."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

# GitHub shows no summary of a step that is longer: bytes.
_MOST = 1024 * 1024
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
    """Return text of others as text: no markup, no mention and no HTML comes out of it."""
    # A zero-width space behind @ notifies nobody.
    escaped = "".join(f"\\{each}" if each in "\\`*_[]<>|#~" else each for each in text)
    return escaped.replace("&", "&amp;").replace("@", "@\u200b")


def _cell(text: str) -> str:
    return " ".join(text.split())
