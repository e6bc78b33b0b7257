"""Where a rollback goes by itself, and where only when it is told to."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploytool.canary.machine import Canary, Phase
from deploytool.errors import CheckFailed, InvalidInput, PlatformFailed
from deploytool.operations import replacement, rollback
from deploytool.operations.context import Context
from deploytool.platforms.base import Condition, Instance, Role
from deploytool.record import event as record
from deploytool.record.store import TargetState
from deploytool.system.revision import Revision, revision_of
from deploytool.system.targets import Proof
from tests.deploytool.operations.scripted import Story, Visitors

OLDEST, OLD, BAD = (revision_of("back", digest, {}) for digest in ("oldest", "old", "bad"))


class Installed:
    """A target on which a component has run several revisions, the bad one at last."""

    def __init__(self, folder: Path) -> None:
        self.story = Story(folder, Visitors())
        self.told: list[record.Event] = []
        self.fetched: list[Any] = []
        self.story.store.save(TargetState(stable={"back": BAD}, earlier={"back": (OLD, OLDEST)}))
        target: Any = self.story.target
        target.revisions = lambda _: (OLDEST, OLD, BAD)
        target.prepare = lambda: None
        target.fetch = self.fetched.append
        target.pending_migrations = lambda _: []
        look = target.instance
        target.instance = lambda component, role: (
            look(component, role) if component == "back" else _ready(component, role)
        )
        self._runs = iter(range(1, 100))
        target.start = self._start

    def _start(self, revision: Revision, role: Role) -> None:
        self.story.target.running[role] = revision.id

    def context(self) -> Context:
        return self.story.context(f"r{next(self._runs)}", self.told.append)

    def back(self, to: str | None = None) -> Canary:
        return rollback.rollback(self.context(), "back", to)

    def state(self) -> TargetState:
        return self.story.store.load()


def _ready(component: str, role: Role) -> Instance:
    return Instance(component, role, "", Condition.READY, "")


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    return Installed(tmp_path)


def test_a_second_rollback_goes_further_back_and_not_to_what_was_left(installed: Installed) -> None:
    assert installed.back().canary == OLD
    assert installed.back().canary == OLDEST
    notes = [each.reason for each in installed.told if each.event == "note"]
    assert f"not back to {BAD.id}: it was rolled back from in run r1" in notes


def test_when_all_were_left_a_rollback_has_to_name_one_and_says_why(installed: Installed) -> None:
    installed.back()
    installed.back()
    with pytest.raises(InvalidInput) as refused:
        installed.back()
    assert f"{OLD.id}: it was rolled back from in run r2" in refused.value.why
    assert f"{BAD.id}: it was rolled back from in run r1" in refused.value.why
    assert f"--to {OLD.id}" in refused.value.hint
    assert installed.back(OLD.id).canary == OLD
    assert OLD.id not in installed.state().doubted


def test_with_one_earlier_revision_the_second_rollback_is_refused(installed: Installed) -> None:
    state = installed.state()
    installed.story.store.save(state.model_copy(update={"earlier": {"back": (OLD,)}}))
    installed.back()
    with pytest.raises(InvalidInput, match="has to be said"):
        installed.back()
    assert installed.state().stable["back"] == OLD


def ended(change: dict[str, object]) -> Callable[[Context], None]:
    """Return what ends a replacement as described."""

    def end(context: Context) -> None:
        canary = Canary(
            run="c1", component="back", stable=BAD, canary=OLD, steps=(10,), since=0.0
        ).model_copy(update=change)
        replacement.save(context, canary)

    return end


def test_a_revision_that_a_canary_judged_bad_is_not_gone_back_to(installed: Installed) -> None:
    ended({"phase": Phase.ROLLED_BACK, "is_judged_bad": True})(installed.context())
    assert installed.state().doubted == {OLD.id: "it was judged bad in run c1"}
    assert installed.back().canary == OLDEST


def test_one_that_somebody_took_back_was_not_judged(installed: Installed) -> None:
    ended({"phase": Phase.ROLLED_BACK})(installed.context())
    assert installed.state().doubted == {}


def test_what_is_stable_again_is_in_doubt_no_more(installed: Installed) -> None:
    installed.back()
    ended({"phase": Phase.PROMOTED, "stable": OLD, "canary": BAD})(installed.context())
    assert installed.state().doubted == {}
    assert installed.back().canary == OLD


def test_where_proof_is_demanded_what_has_none_is_refused_before_anything_changes(
    installed: Installed,
) -> None:
    target: Any = installed.story.target
    asked: list[str] = []
    target.prepare = lambda: asked.append("prepare")
    proof = Proof(key=Path("k"), repository="r", require=frozenset({"signature"}))
    before = installed.state()
    with pytest.raises(CheckFailed, match=f"nothing proves back {OLD.id}"):
        rollback.rollback(replace(installed.context(), proof=proof), "back", None)
    assert asked == []
    assert installed.state() == before


def test_what_it_goes_back_to_is_fetched_before_anything_changes(installed: Installed) -> None:
    target: Any = installed.story.target
    before, running = installed.state(), dict(target.running)

    def fetch(revisions: tuple[Revision, ...]) -> None:
        installed.fetched.append(revisions)
        assert (installed.state(), target.running) == (before, running)
        raise PlatformFailed("the image was not pulled")

    target.fetch = fetch
    with pytest.raises(PlatformFailed, match="was not pulled"):
        installed.back()
    assert installed.fetched == [(OLD,)]
    assert (installed.state(), target.running) == (before, running)


@pytest.mark.parametrize("to", ["", "nothing"])
def test_a_name_that_is_none_is_refused(installed: Installed, to: str) -> None:
    with pytest.raises(InvalidInput, match="cannot go back to"):
        installed.back(to)
