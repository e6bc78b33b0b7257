"""Steering a canary that somebody else runs: who follows a wish, and who waits for whom."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deploytool.canary.machine import ENDS, Canary, Event, Phase, advance
from deploytool.errors import DeployError, Locked, NotReady
from deploytool.operations.context import Context
from deploytool.operations.decisions import abort
from deploytool.operations.steering import Asked, Elsewhere, Wanted, heed, steer
from deploytool.record.event import Event as Told
from deploytool.record.file_store import FileStore
from deploytool.record.store import TargetState
from deploytool.system.revision import revision_of

CANARY = Canary(
    run="first",
    component="web",
    stable=revision_of("web", "aa", {}),
    canary=revision_of("web", "bb", {}),
    steps=(10, 50),
    phase=Phase.OBSERVING,
    since=0.0,
)


def context(folder: Path, run: str, command: str = "canary", told: list[Told] | None = None) -> Any:
    """Return the context of an operation, with as much of a target as steering knows: its store."""
    return Context(
        system=cast("Any", None),
        platform=cast("Any", SimpleNamespace(store=FileStore(folder))),
        target="local",
        run=run,
        command=command,
        artifacts={},
        emit=(told if told is not None else []).append,
        deadline_s=3,
    )


def allow(_: Canary) -> None:
    pass


def never(_: TargetState) -> Canary:
    pytest.fail("it has to be done by the operation that runs")


@contextmanager
def running(folder: Path, run: str = "first", canary: Canary = CANARY) -> Iterator[None]:
    """Run a canary elsewhere, until it is told what to do."""
    operation = context(folder, run)
    is_locked, is_over = threading.Event(), threading.Event()

    def work() -> None:
        store = operation.platform.store
        with operation.locked():
            store.save(TargetState(canary=canary))
            is_locked.set()
            try:
                while not is_over.is_set():
                    heed(operation, canary)
                    time.sleep(0.01)
            except Asked as asked:
                phase = {Event.ABORT: Phase.ROLLED_BACK, Event.PROMOTE: Phase.PROMOTED}[asked.event]
                ended = asked.canary.model_copy(update={"phase": phase, "decision": asked.reason})
                store.save(TargetState(ended=ended))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert is_locked.wait(10)
        yield
    finally:
        is_over.set()
        thread.join()


@pytest.mark.parametrize("phase", sorted(set(Phase) - ENDS - {Phase.HELD}))
@pytest.mark.parametrize("wanted", ["abort", "promote"])
def test_a_wish_is_followed_where_it_changes_something_and_else_told_of(
    tmp_path: Path, phase: Phase, wanted: Wanted
) -> None:
    told: list[Told] = []
    operation = context(tmp_path, "first", told=told)
    canary = CANARY.model_copy(update={"phase": phase})
    operation.platform.store.post_wish(operation.wish(wanted, "first"))
    is_followed = {
        "abort": phase not in {Phase.ABORTING, Phase.RESTORING, Phase.CLEANING},
        "promote": phase is Phase.OBSERVING,
    }[wanted]
    if is_followed:
        with pytest.raises(Asked) as asked:
            heed(operation, canary)
        assert asked.value.reason.startswith(f"{wanted} was asked for by ")
        assert advance(canary, asked.value.event, "", 0.0).phase is not phase
    else:
        heed(operation, canary)
        assert "changes nothing" in told[0].reason
    heed(operation, canary)  # taken once


@pytest.mark.parametrize("first", ["abort", "promote"])
def test_of_two_who_want_different_things_the_one_who_aborts_is_followed(
    tmp_path: Path, first: Wanted
) -> None:
    told: list[Told] = []
    operation = context(tmp_path, "first", told=told)
    wanted: list[Wanted] = ["abort", "promote"]
    for number, each in enumerate(sorted(wanted, reverse=first == "promote")):
        operation.platform.store.post_wish(context(tmp_path, f"asker{number}").wish(each, "first"))
    with pytest.raises(Asked) as asked:
        heed(operation, CANARY)
    assert asked.value.event is Event.ABORT
    assert [each.reason.partition(" was asked for by ")[0] for each in told] == ["promote"]
    assert "abort was asked for by" in told[0].reason


def test_a_wish_to_whoever_has_just_taken_over_is_not_thrown_away(tmp_path: Path) -> None:
    """Somebody sees the new holder, and asks it, before it has done anything."""
    FileStore(tmp_path).save(TargetState(canary=CANARY))
    resuming, other = context(tmp_path, "second"), context(tmp_path, "third")

    def here(_: TargetState) -> str:
        with pytest.raises(Asked) as asked:
            heed(resuming, CANARY)
        return asked.value.reason

    locked = resuming.platform.store.lock

    @contextmanager
    def lock_and_be_asked(holder: Any) -> Iterator[None]:
        with locked(holder):
            other.platform.store.post_wish(other.wish("abort", "second"))
            yield

    resuming.platform.store.lock = lock_and_be_asked
    found = steer(resuming, "promote", allow, here)
    assert str(found).startswith("abort was asked for by ")


@pytest.mark.parametrize(
    ("phase", "words"),
    [
        (Phase.OBSERVING, ("abort was asked for in observing", "the evidence was enough")),
        (Phase.CLEANING, ("stable was replaced and verified before",)),
    ],
)
def test_who_is_too_late_to_abort_is_told_what_happened_instead(
    tmp_path: Path, phase: Phase, words: tuple[str, ...]
) -> None:
    under_way = CANARY.model_copy(update={"phase": phase})
    promoted = CANARY.model_copy(
        update={"phase": Phase.PROMOTED, "decision": "the evidence was enough"}
    )
    results: list[DeployError] = []

    def ask() -> None:
        with pytest.raises(DeployError, match="too late to abort") as late:
            abort(context(tmp_path, "second"))
        results.append(late.value)

    with context(tmp_path, "first").locked():
        FileStore(tmp_path).save(TargetState(canary=under_way))
        thread = threading.Thread(target=ask)
        thread.start()
        wait_for_a_wish(tmp_path)
        FileStore(tmp_path).save(TargetState(ended=promoted))
    thread.join()
    for word in words:
        assert word in results[0].why
    assert "deploytool rollback web" in results[0].hint


def test_how_a_canary_ended_that_others_came_after_is_not_made_up(tmp_path: Path) -> None:
    later = CANARY.model_copy(update={"run": "later", "phase": Phase.PROMOTED})
    results: list[DeployError] = []

    def ask() -> None:
        with pytest.raises(DeployError) as refused:
            steer(context(tmp_path, "second"), "abort", allow, never)
        results.append(refused.value)

    with context(tmp_path, "first").locked():
        FileStore(tmp_path).save(TargetState(canary=CANARY))
        thread = threading.Thread(target=ask)
        thread.start()
        wait_for_a_wish(tmp_path)
        FileStore(tmp_path).save(TargetState(ended=later))
    thread.join()
    assert "run later" in results[0].why
    assert "deploytool report first" in results[0].hint


@pytest.mark.parametrize(
    ("wanted", "end"), [("abort", Phase.ROLLED_BACK), ("promote", Phase.PROMOTED)]
)
def test_a_running_canary_does_what_was_asked_and_the_asker_learns_its_end(
    tmp_path: Path, wanted: Wanted, end: Phase
) -> None:
    with running(tmp_path):
        ended = steer(context(tmp_path, "second", wanted), wanted, allow, never)
    assert isinstance(ended, Elsewhere)
    assert ended.asked_in is Phase.OBSERVING
    assert ended.canary.phase is end
    assert ended.canary.decision.startswith(f"{wanted} was asked for by ")


def test_a_canary_that_nobody_runs_is_decided_here(tmp_path: Path) -> None:
    FileStore(tmp_path).save(TargetState(canary=CANARY))
    found = steer(context(tmp_path, "second"), "abort", allow, lambda state: state.canary)
    assert found == CANARY


def test_a_wish_that_nobody_took_is_carried_out_by_the_asker(tmp_path: Path) -> None:
    """The operation dies between two looks."""
    asker = context(tmp_path, "second")
    with context(tmp_path, "first").locked():
        FileStore(tmp_path).save(TargetState(canary=CANARY))
        results: list[object] = []
        thread = threading.Thread(
            target=lambda: results.append(steer(asker, "abort", allow, lambda state: state.canary))
        )
        thread.start()
        wait_for_a_wish(tmp_path)
    thread.join()
    assert results == [CANARY]


def test_whoever_goes_on_with_the_canary_is_asked_again(tmp_path: Path) -> None:
    asker = context(tmp_path, "third")
    results: list[Any] = []
    with context(tmp_path, "first").locked():
        FileStore(tmp_path).save(TargetState(canary=CANARY))
        thread = threading.Thread(
            target=lambda: results.append(
                steer(asker, "abort", allow, lambda state: state.canary or CANARY)
            )
        )
        thread.start()
        wait_for_a_wish(tmp_path)
        FileStore(tmp_path).take_wishes("first")  # and dies
    with running(tmp_path, "second"):
        thread.join()
    assert [each.canary.run for each in results] == ["first"]


@pytest.mark.parametrize(
    ("command", "canary"), [("up", None), ("up", CANARY.model_copy(update={"steps": ()}))]
)
def test_an_operation_that_is_no_canary_keeps_the_target(
    tmp_path: Path, command: str, canary: Canary | None
) -> None:
    with context(tmp_path, "first", command).locked():
        FileStore(tmp_path).save(TargetState(canary=canary))
        with pytest.raises(Locked):
            steer(context(tmp_path, "second"), "abort", allow, never)
    assert not posted(tmp_path)


@pytest.mark.parametrize(
    ("command", "canary"),
    [("resume", CANARY), ("canary", CANARY), ("canary", None)],
    ids=["resumed", "running", "beginning"],
)
def test_whoever_is_refused_for_a_canary_is_told_how_to_end_it(
    tmp_path: Path, command: str, canary: Canary | None
) -> None:
    with context(tmp_path, "first", command).locked():
        FileStore(tmp_path).save(TargetState(canary=canary))
        with pytest.raises(Locked) as locked, context(tmp_path, "second", "up").locked():
            pass
    for way in ("wait for it to end", "`deploytool abort`", "`deploytool canary --supersede`"):
        assert way in locked.value.hint


def test_whoever_is_refused_for_another_operation_is_not_sent_to_abort(tmp_path: Path) -> None:
    with context(tmp_path, "first", "up").locked():
        FileStore(tmp_path).save(TargetState(canary=CANARY.model_copy(update={"steps": ()})))
        with pytest.raises(Locked) as locked, context(tmp_path, "second", "canary").locked():
            pass
    assert locked.value.hint == "wait for it to end, then try again"


def test_what_a_canary_cannot_do_is_refused_before_it_is_asked(tmp_path: Path) -> None:
    def refuse(canary: Canary) -> None:
        raise DeployError(f"not in {canary.phase}")

    with running(tmp_path), pytest.raises(DeployError, match="not in observing"):
        steer(context(tmp_path, "second"), "promote", refuse, never)
    assert not posted(tmp_path)


def test_a_canary_that_does_not_end_in_time_is_named_with_its_holder(tmp_path: Path) -> None:
    with context(tmp_path, "first").locked():
        FileStore(tmp_path).save(TargetState(canary=CANARY))
        with pytest.raises(NotReady) as late:
            steer(context(tmp_path, "second"), "abort", allow, never)
    assert late.value.what == "`canary` has not ended after 3 s"
    assert "run first by" in late.value.why
    assert "step 1/2" in late.value.why


def test_a_holder_that_cannot_be_read_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FileStore, "holder", lambda _: None)
    slept: list[float] = []
    asker = replace(
        context(tmp_path, "second"), sleep=slept.append, monotonic=lambda: float(len(slept))
    )
    with context(tmp_path, "first").locked():
        FileStore(tmp_path).save(TargetState(canary=CANARY))
        with pytest.raises(Locked):
            steer(asker, "abort", allow, never)
    assert len(slept) == 4


def posted(folder: Path) -> bool:
    return any(folder.glob("wish-*.json"))


def wait_for_a_wish(folder: Path) -> None:
    until = time.monotonic() + 10
    while not posted(folder):
        assert time.monotonic() < until
        time.sleep(0.01)
