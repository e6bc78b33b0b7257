"""How far a container's log was read, and what of an answer is new. Pure.

Lines are raw: the time at which they were written, a space, the text, as a request with timestamps
yields them. An answer cannot be asked to begin at a line: `sinceTime` counts whole seconds. So it
begins early, and what was seen already is known by the lines that were seen last.

Times alone would not do: lines of standard output and standard error get theirs in two threads
before they are written one after the other, so that times may go back a little within a file, and
two lines may have the same one.
"""

from collections import Counter, deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

# As many are remembered. Out of order are only neighbours, far fewer than half of that.
_REMEMBERED = 1024
# A line is known by its time and the start of its text, so that long ones cost no memory.
_KNOWN_BYTES = 128
_STAMP_BYTES = len("2026-01-01T00:00:00.000000000+00:00")
# More than times can be out of order.
_MARGIN = timedelta(seconds=1)


class Position:
    """The last lines that were read of one container."""

    def __init__(self) -> None:
        self._last: deque[bytes] = deque(maxlen=_REMEMBERED)

    @property
    def is_blank(self) -> bool:
        """Whether no line was read yet."""
        return not self._last

    @property
    def last(self) -> Sequence[bytes]:
        """What the last lines are known by, in their order."""
        return tuple(self._last)

    @property
    def since(self) -> str | None:
        """What to give as `sinceTime`, to get some of the last lines again; None for all."""
        if self.is_blank:
            return None
        return f"{_floor(self._last) - _MARGIN:%Y-%m-%dT%H:%M:%SZ}"

    def advance(self, lines: Sequence[bytes]) -> None:
        """Take lines as read."""
        self._last.extend(line[:_KNOWN_BYTES] for line in lines[-_REMEMBERED:])


class Answer:
    """One answer, which may begin with lines that were read before. position: how far, so far."""

    def __init__(self, position: Position) -> None:
        self._known = Counter(position.last)
        # Whether a line was met that had been read: then nothing is missing between.
        self.is_continued = False
        if self._known:
            self._floor = _floor(position.last)
            self._end = max(map(_time, position.last)) + _MARGIN

    def fresh(self, lines: list[bytes]) -> list[bytes]:
        """Return those of the next lines of the answer that were not read before."""
        # What has no time is no line, but a complaint of the kubelet that it cannot read.
        found = [line for line in lines if line[4:5] == b"-" and line[10:11] == b"T"]
        return [line for line in found if not self._is_old(line)] if self._known else found

    def _is_old(self, line: bytes) -> bool:
        if not self._known:
            return False
        name = line[:_KNOWN_BYTES]
        if name in self._known:
            self._forget(name)
            self.is_continued = True
            return True
        time = _time(line)
        if time > self._end:
            self._known.clear()  # no known line can come any more
        return time < self._floor

    def _forget(self, name: bytes) -> None:
        """Count a known line as met: another one that is just the same would be new."""
        self._known[name] -= 1
        if not self._known[name]:
            del self._known[name]


def text_of(line: bytes) -> str:
    """Return a raw line without its time."""
    return line.partition(b" ")[2].decode(errors="replace")


def _floor(last: Sequence[bytes]) -> datetime:
    """Return a time before which all lines were read: of the middle one of the last."""
    return _time(last[len(last) // 2])


def _time(line: bytes) -> datetime:
    """Return when a line was written; microseconds will do. The node's zone need not be UTC."""
    stamp = line[:_STAMP_BYTES].partition(b" ")[0].decode("ascii")
    return datetime.fromisoformat(stamp).astimezone(UTC)
