"""Reads one container's log: every line once, from the API server alone.

An answer ends for many reasons: the container ended, the API server or the kubelet was restarted,
nothing came for a while. None of them is the end: only that the pod is gone is. Until then it is
asked again, from the position that was reached.

The API has the newest file of a container, and that of the one before it in the same pod. While an
answer goes on, the kubelet itself goes over to the next file when one is rotated away. When an
answer was cut and the next one does not hold on to it, the missing lines may be those at the end of
the container before; if they are not, they are in no file that can be read any more. That is told:
the line at which it happened is preceded by a note.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import urllib3

from deploytool.platforms.base import LogLine, Role
from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.position import Answer, Position, text_of
from deploytool.platforms.kubernetes.replies import Reply, words

# A connection that died without a word is noticed after this time.
_SILENCE_S = 60.0
_REQUEST_S = 10.0
# Soon: the kubelet deletes what a container wrote once its successor has ended, too.
_AGAIN_S = 0.2
# Of containers that have ended, or have not begun.
_IDLE_S = 1.0
# Told when it has lasted: a server that has just started refuses everything for a moment.
_REFUSED_S = 10.0
_PIECE_BYTES = 1 << 16
_OK, _BAD_REQUEST, _NOT_FOUND = 200, 400, 404

_Query = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a pod; one that is restarted stays the same."""

    pod: str
    uid: str
    name: str
    component: str
    role: Role
    revision: str


@dataclass(frozen=True, slots=True)
class Tail:
    """Where to begin: lines from the end, and seconds back. None: as far as there is."""

    lines: int | None = None
    since_s: float | None = None

    @property
    def query(self) -> list[tuple[str, str]]:
        """What to ask the API for."""
        lines = [] if self.lines is None else [("tailLines", str(self.lines))]
        # Whole seconds, at least one.
        since = [] if self.since_s is None else [("sinceSeconds", str(max(1, round(self.since_s))))]
        return lines + since


class _Cut(Exception):
    """An answer broke off, or there was none; why, in words."""


class _Refused(_Cut):
    """The server does not give the log: it may not, or cannot reach the node."""


class Follower:
    """One container that is read. put: takes its lines, as they come, and may wait."""

    def __init__(
        self, cluster: Cluster, container: Container, put: Callable[[list[LogLine]], None]
    ) -> None:
        self._cluster = cluster
        self._container = container
        self._pod_path = f"/api/v1/namespaces/{cluster.namespace}/pods/{container.pod}"
        self._put = put
        self._position = Position()
        # A last line without its end: it may be one that is still being written.
        self._rest = b""
        self._stopping = threading.Event()
        self._open: list[Any] = []
        # Since when it is refused, by the monotonic clock, and what was said of that already.
        self._refused_at: float | None = None
        self._told = ""

    def run(self, tail: Tail | None) -> None:
        """Take all that comes until the pod is gone. tail: what to begin with; None for all."""
        if tail is not None:
            self._begin(tail)
        while not self._is_over():
            is_quiet = False
            with self._asking_again():
                is_quiet = not self._read_on(is_whole=tail is None)
            self._stopping.wait(_IDLE_S if is_quiet else _AGAIN_S)
        self._show_rest(self._rest)

    def stop(self) -> None:
        """Have run end soon, from another thread."""
        self._stopping.set()
        for answer in tuple(self._open):
            # It may have ended at this moment.
            with suppress(ValueError, RuntimeError, OSError):
                answer.shutdown()

    def read_tail(self, tail: Tail) -> None:
        """Take the last lines, once."""
        splitter = Splitter()
        try:
            for lines in self._asked(tail.query, splitter):
                self._show(Answer(Position()).fresh(lines))
        except _Cut as cut:
            self._tell_unread(cut)
        self._show_rest(splitter.rest)

    def _begin(self, tail: Tail) -> None:
        """Take the last lines; know where to go on even if there was none to take."""
        while not self._is_over():
            with self._asking_again():
                for lines in self._asked([("tailLines", "1")], Splitter()):
                    self._position.advance(Answer(self._position).fresh(lines))
                # Shown as a whole: what was cut is asked for again.
                found = [] if tail.lines == 0 else list(self._asked(tail.query, Splitter()))
                for lines in found:
                    self._show(Answer(Position()).fresh(lines))
                return
            self._stopping.wait(_AGAIN_S)

    def _read_on(self, *, is_whole: bool) -> bool:
        """Take what comes from the position on while the answer lasts; tell if anything came.

        is_whole: also what was written before any line was read.
        """
        answer = Answer(self._position)
        has_come = False
        is_joined = self._position.is_blank and not is_whole
        splitter = Splitter()
        for lines in self._asked([("follow", "true"), *self._since()], splitter):
            fresh = answer.fresh(lines)
            if fresh and not (is_joined or answer.is_continued):
                self._look_back()
                # The container before may have been this answer's by now.
                answer = Answer(self._position)
                fresh = answer.fresh(fresh)
            has_come = has_come or bool(fresh)
            is_joined = is_joined or has_come
            self._show(fresh)
        if splitter.rest == self._rest:
            self._show_rest(self._rest)
        self._rest = splitter.rest
        return has_come

    def _look_back(self) -> None:
        """Take what the container before wrote at its end; tell if lines lack before that."""
        is_joined = self._position.is_blank
        answer = Answer(self._position)
        splitter = Splitter()
        for lines in self._asked([("previous", "true"), *self._since()], splitter):
            fresh = answer.fresh(lines)
            if fresh and not is_joined and not answer.is_continued:
                self._tell_gap()
                is_joined = True
            self._show(fresh)
        self._show_rest(splitter.rest)
        if not is_joined and not answer.is_continued:
            self._tell_gap()

    def _since(self) -> _Query:
        since = self._position.since
        return [] if since is None else [("sinceTime", since)]

    def _asked(self, query: _Query, splitter: "Splitter") -> Iterator[list[bytes]]:
        """Yield the raw lines of an answer in batches; none when there is no log. Raises _Cut."""
        asked = [("container", self._container.name), ("timestamps", "true"), *query]
        try:
            with self._cluster.stream(f"{self._pod_path}/log", asked, _SILENCE_S) as answer:
                if answer.status in {_BAD_REQUEST, _NOT_FOUND}:
                    return
                if answer.status != _OK:
                    raise _Refused(Reply(answer.status, answer.read()).words)
                self._refused_at, self._told = None, ""
                yield from self._batches(answer, splitter)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _Cut(words(error)) from error

    @contextmanager
    def _asking_again(self) -> Iterator[None]:
        """Let an answer be cut, as it is asked for again; tell once what is refused for long.

        A server that is away says so elsewhere: whoever looks for pods waits for it.
        """
        try:
            yield
        except _Refused as refused:
            now = time.monotonic()
            self._refused_at = now if self._refused_at is None else self._refused_at
            if now - self._refused_at >= _REFUSED_S and str(refused) != self._told:
                self._told = str(refused)
                self._tell_unread(refused)
        except _Cut:
            return

    def _batches(self, answer: Any, splitter: "Splitter") -> Iterator[list[bytes]]:
        self._open.append(answer)
        try:
            for chunk in answer.stream(_PIECE_BYTES):
                if self._stopping.is_set():
                    return
                yield splitter.lines(chunk)
        finally:
            self._open.remove(answer)

    def _is_over(self) -> bool:
        """Tell whether to end: stopped, or the pod is gone; another one may have its name."""
        if self._stopping.is_set():
            return True
        try:
            with self._cluster.stream(self._pod_path, (), _REQUEST_S) as answer:
                if answer.status != _OK:
                    return bool(answer.status == _NOT_FOUND)
                return bool(json.loads(answer.read())["metadata"]["uid"] != self._container.uid)
        except (urllib3.exceptions.HTTPError, OSError, ValueError):
            return False

    def _show(self, lines: list[bytes]) -> None:
        if lines:
            self._put([self._line(text_of(line)) for line in lines])
            self._position.advance(lines)

    def _show_rest(self, rest: bytes) -> None:
        if rest:
            self._show(Answer(self._position).fresh([rest]))

    def _tell_gap(self) -> None:
        self._note("lines may be missing here: their file was gone before it could be read")

    def _tell_unread(self, cut: _Cut) -> None:
        self._note(f"its log cannot be read: {cut}")

    def _note(self, text: str) -> None:
        self._put([self._line(text, is_note=True)])

    def _line(self, text: str, *, is_note: bool = False) -> LogLine:
        whose = self._container
        return LogLine(whose.component, whose.role, text, whose.revision, whose.pod, is_note)


class Splitter:
    """Puts lines together that come in pieces."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def lines(self, chunk: bytes) -> list[bytes]:
        """Return the lines that a piece ends, without their ends."""
        *lines, rest = chunk.split(b"\n")
        if lines:
            lines[0] = self.rest + lines[0]
            self._pieces = []
        self._pieces.append(rest)
        return lines

    @property
    def rest(self) -> bytes:
        """What came of the next line so far."""
        return b"".join(self._pieces)
