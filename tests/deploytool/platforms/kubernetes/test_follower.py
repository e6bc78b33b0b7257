"""The lines of pods' logs, as they come in pieces over the network, and when none come."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from deploytool.platforms.base import LogLine, Role
from deploytool.platforms.kubernetes.api import Cluster, Query
from deploytool.platforms.kubernetes.follower import Container, Follower, Splitter, Tail

POD = Container("web-1", "uid-1", "web", "web", Role.STABLE, "abc")
DENIED = "pods/log is forbidden"


class Scripted(Cluster):
    """A pod whose log is asked for some times, and which is gone then."""

    def __init__(self, *answers: Callable[[], urllib3.HTTPResponse]) -> None:
        super().__init__(None, "shop")
        self._answers = list(answers)

    def stream(self, path: str, query: Query, timeout_s: float) -> Any:
        del query, timeout_s
        if path.endswith("/log"):
            return self._answers.pop(0)()
        body = json.dumps({"metadata": {"uid": POD.uid}})
        return answer(200, body)() if self._answers else answer(404)()


def answer(code: int, text: str = "") -> Callable[[], urllib3.HTTPResponse]:
    body = io.BytesIO(text.encode())
    return lambda: urllib3.HTTPResponse(body, status=code, preload_content=False)


def broken() -> urllib3.HTTPResponse:
    raise urllib3.exceptions.ProtocolError("connection broken")


def refused() -> Callable[[], urllib3.HTTPResponse]:
    return answer(403, json.dumps({"kind": "Status", "message": DENIED}))


def notes(cluster: Cluster, tail: Tail, *, follow: bool) -> list[str]:
    """Return what is noted while a pod's log is read."""
    found: list[LogLine] = []
    follower = Follower(cluster, POD, found.extend)
    follower.run(tail) if follow else follower.read_tail(tail)
    return [line.text for line in found if line.is_note]


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_AGAIN_S", "_IDLE_S"):
        monkeypatch.setattr(f"deploytool.platforms.kubernetes.follower.{name}", 0.001)


def test_a_log_that_cannot_be_read_is_told() -> None:
    tail = Tail(lines=5)
    assert notes(Scripted(refused()), tail, follow=False) == [f"its log cannot be read: {DENIED}"]
    [note] = notes(Scripted(broken), tail, follow=False)
    assert "connection broken" in note
    assert notes(Scripted(answer(404)), tail, follow=False) == []


def test_who_follows_is_told_once_of_what_is_refused_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusals = [refused() for _ in range(5)]
    assert notes(Scripted(*refusals), Tail(lines=5), follow=True) == []
    monkeypatch.setattr("deploytool.platforms.kubernetes.follower._REFUSED_S", 0)
    refusals = [refused() for _ in range(5)]
    found = notes(Scripted(*refusals, broken), Tail(lines=5), follow=True)
    assert found == [f"its log cannot be read: {DENIED}"]


def test_an_answer_that_has_ended_already_stops_nobody() -> None:
    follower = Follower(Scripted(), POD, lambda _: None)
    for error in (ValueError, RuntimeError, OSError):
        follower._open.append(Ended(error))  # at this moment
    follower.stop()


class Ended:
    def __init__(self, error: type[Exception]) -> None:
        self._error = error

    def shutdown(self) -> None:
        raise self._error


@given(st.lists(st.text(st.characters(exclude_characters="\n", codec="utf-8"))), st.data())
def test_lines_are_the_same_however_they_are_cut(lines: list[str], data: st.DataObject) -> None:
    text = "".join(f"{line}\n" for line in lines).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=9)))
    chunks = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    splitter = Splitter()
    found = [line.decode() for chunk in chunks for line in splitter.lines(chunk)]
    assert (found, splitter.rest) == (lines, b"")


def test_what_has_no_end_yet_is_kept_apart() -> None:
    splitter = Splitter()
    assert splitter.lines(b"one\ntw") == [b"one"]
    assert splitter.lines(b"o") == []
    assert splitter.rest == b"two"
