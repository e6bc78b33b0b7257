"""The hash chain of the operations log: shows that no line was changed, removed, inserted or moved.

Each line ends with a field "hash": SHA-256 over the hash before it, all bytes since that, and its
own text without the field. The bytes since are a line break; after a killed writer also its piece
of a line, which has no hash itself.

A chain alone does not show that lines are missing at its end, nor that somebody who could write the
log computed every hash again. For the first, a run without its `command-ended` is unfinished; for
the second, `canary.replay` computes the figures themselves.
"""

import hashlib
import json
import mmap
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from deploytool.errors import Place

Content = bytes | mmap.mmap
"""The content of a file of the log."""

_FIELD = re.compile(rb',"hash":"([0-9a-f]{64})"\}')
_FIELD_BYTES = len(b',"hash":""}') + 64
# Of the end of a log read at first, to find the last hash: longer than most lines.
_TAIL_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class Damage:
    """A line of the log that cannot be understood or relied on."""

    place: Place
    why: str


class End(NamedTuple):
    """Where a chain goes on: its last hash, b"" before the first, and the bytes after it."""

    hash: bytes = b""
    since: bytes = b""


@dataclass(frozen=True, slots=True)
class Chain:
    """What a check found.

    lines: with a hash that is right. torn: left by killed writers, unchanged since the next line
    was written; and where a chain begins anew. broken: the first line that is not what was written
    there; nothing after it was looked at. begins_after: the part before the first one that is
    there; "" for a whole log.
    """

    lines: int
    torn: tuple[Damage, ...]
    broken: Damage | None
    begins_after: str = ""


def continued(end: End, text: bytes) -> bytes:
    """Return what to write after the end, so that the line is the next of the chain.

    text: a JSON object with at least one field. A piece of a line is ended by a line break first.
    """
    is_between_lines = end == End() or end.since.endswith(b"\n")
    gap = b"" if is_between_lines else b"\n"
    own = _hash(end.hash, end.since + gap, text)
    return gap + text[:-1] + b',"hash":"' + own + b'"}\n'


def end_of(content: bytes) -> End | None:
    """Return the end of a log from its last bytes; None when they hold no hash."""
    lines = content.split(b"\n")
    after = len(content)
    for raw in reversed(lines):
        if own := _hash_in(raw):
            return End(own, content[after:])
        after -= len(raw) + 1
    return None


def end_of_file(file: int) -> End:
    """Return the end of an open log; reads so little of it that a long one is as fast."""
    size = os.fstat(file).st_size
    length = _TAIL_BYTES
    while True:
        start = max(0, size - length)
        content = os.pread(file, size - start, start)
        # What begins in the middle of a line is no line.
        whole = content.partition(b"\n")[2] if start else content
        if end := end_of(whole):
            return end
        if not start:
            return End(since=content)
        length *= 8


def check_parts(parts: Iterable[tuple[Path, Content]]) -> Chain:
    """Check a log that is kept in parts, the oldest first.

    The head of a part names the hash that it goes on from. Where the oldest part is missing, the
    head of the next one is believed; between two parts none may be missing. A log that was begun
    anew, as the one before was moved away, has a chain of its own.
    """
    lines, begins_after = 0, ""
    torn: list[Damage] = []
    end: End | None = None
    for path, content in parts:
        follows, named = followed(content)
        if end is None:
            begins_after, end = follows, named
        elif not follows and _is_begun_anew(content):
            torn.append(Damage(Place(path, 1), _ANEW))
            end = named
        found, end = _checked(content, path, end)
        if found.broken and follows and found.broken.place.line == 1:
            found = replace(found, broken=Damage(found.broken.place, _MISSING.format(follows)))
        lines += found.lines
        torn += found.torn
        if found.broken:
            return Chain(lines, tuple(torn), found.broken, begins_after)
    return Chain(lines, tuple(torn), None, begins_after)


def check(content: Content, path: Path) -> Chain:
    """Compute every hash of a log again, up to the first that is not right."""
    return _checked(content, path, End())[0]


def _checked(content: Content, path: Path, end: End) -> tuple[Chain, End]:
    """Check one part that goes on from `end`; return what was found, and its own end."""
    before, lead, since = end.hash, end.since, 0
    count, position = 0, 0
    torn: list[Damage] = []
    without_hash: list[int] = []
    for number, raw in enumerate(_lines(content), start=1):
        recorded = _hash_in(raw)
        if not recorded:
            without_hash.append(number)
        elif recorded == _hash(before, lead + content[since:position], raw[:-_FIELD_BYTES] + b"}"):
            torn += [Damage(Place(path, each), _TORN) for each in without_hash]
            before, lead, since = recorded, b"", position + len(raw)
            without_hash = []
            count += 1
        else:
            return _broken(count, torn, path, (without_hash or [number])[0]), end
        position += len(raw) + 1
    # A writer that was killed leaves no line break behind its piece of a line.
    if without_hash and content[-1:] == b"\n":
        return _broken(count, torn, path, without_hash[0]), end
    torn += [Damage(Place(path, each), _TORN) for each in without_hash]
    return Chain(count, tuple(torn), None), End(before, lead + content[since:])


def _lines(content: Content) -> Iterator[bytes]:
    """Yield the lines of a log without their line breaks."""
    start = 0
    while start < len(content):
        end = content.find(b"\n", start)
        yield content[start:end] if end >= 0 else content[start:]
        start = end + 1 if end >= 0 else len(content)


def _is_begun_anew(content: Content) -> bool:
    with suppress(ValueError):
        head = json.loads(next(_lines(content), b""))
        return isinstance(head, dict) and "schema" in head
    return False


def followed(content: Content) -> tuple[str, End]:
    """Return the name of the part that a part goes on from, "" for the first, and its end."""
    try:
        head = json.loads(next(_lines(content), b""))
        return str(head["follows"]["part"]), End(head["follows"]["hash"].encode(), b"\n")
    except (ValueError, LookupError, TypeError, AttributeError):
        return "", End()


_TORN = "not a whole line: its writer was stopped in the middle"
_BROKEN = "the chain of hashes breaks: a line was changed, removed, inserted or moved here"
_ANEW = "a chain of its own begins here: the log before it was moved away or deleted"
_MISSING = "the chain of hashes breaks: {}, which this part goes on from, was changed or is missing"


def _broken(count: int, torn: list[Damage], path: Path, line: int) -> Chain:
    return Chain(count, tuple(torn), Damage(Place(path, line), _BROKEN))


def is_whole(raw: bytes) -> bool:
    """Tell whether a line looks as one that was written to its end; its hash is not computed."""
    return raw.startswith(b"{") and bool(_hash_in(raw))


def _hash_in(raw: bytes) -> bytes:
    """Return the hash that a line ends with, b"" when it has none."""
    match = _FIELD.fullmatch(raw[-_FIELD_BYTES:])
    return match[1] if match else b""


def _hash(before: bytes, since: bytes, text: bytes) -> bytes:
    return hashlib.sha256(before + since + text).hexdigest().encode()
