"""What the tool's own traffic knows of the answers joins what the router counted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deploytool.canary.machine import Canary, Phase
from deploytool.canary.observation import ArmCounters, Pair, Snapshot
from deploytool.operations.context import Context
from deploytool.operations.expectations import with_expectations
from deploytool.operations.replacement import carry_on
from deploytool.platforms.base import Role
from deploytool.record import event as record
from deploytool.record.event import Listener
from deploytool.system.load import Load
from deploytool.system.revision import Revision, revision_of
from deploytool.traffic.load.counts import LoadCounts
from tests.deploytool.operations import scripted
from tests.deploytool.operations.scripted import Killed, Story, Visitors

STABLE, CANARY = (revision_of("web", artifact, {}) for artifact in ("old", "new"))
ARM = ArmCounters(requests={200: 5})
SNAPSHOT = Snapshot(taken_at=1.0, stable=ARM, canary=ARM)


def sent() -> LoadCounts:
    return LoadCounts(
        answers_by_revision={STABLE.id: 300, CANARY.id: 30, "other": 80},
        failures_by_revision={CANARY.id: {"404": 2, "unexpected body": 3}, "other": {"503": 9}},
    )


def broken_down() -> LoadCounts:
    raise ExceptionGroup("load", [ZeroDivisionError()])


def load_of(header: str | None = "X-R") -> Load:
    journey = {"name": "look", "share": 1, "steps": [{"request": "GET /"}]}
    return Load.model_validate({"rate": 1, "revision_header": header, "journeys": [journey]})


def looked_at(
    counts: Callable[[], LoadCounts] | None, canary: Revision = CANARY, header: str | None = "X-R"
) -> Snapshot:
    context = SimpleNamespace(sent=counts, system=SimpleNamespace(load=load_of(header)))
    replaced = Canary(
        run="r", component="web", stable=STABLE, canary=canary, steps=(10,), since=0.0
    )
    return with_expectations(cast("Context", context), replaced, SNAPSHOT)


def test_each_version_has_its_right_and_its_wrong_answers() -> None:
    known = looked_at(sent)
    assert known.stable.expected == Pair(count=300, per=0)
    assert known.canary.expected == Pair(count=25, per=5)
    assert known.canary.requests == ARM.requests


@pytest.mark.parametrize(
    "unknown",
    [
        {"counts": None},
        {"counts": sent, "canary": STABLE},
        {"counts": sent, "header": None},
        {"counts": broken_down},
    ],
    ids=["visitors", "one revision", "no header", "broken down"],
)
def test_where_nobody_can_tell_nothing_is_added(unknown: dict[str, Any]) -> None:
    assert looked_at(**unknown) == SNAPSHOT


@dataclass
class Looking:
    """Traffic of the tool's own: all that the router counts, and what was wrong with it.

    began: what the router had counted when it began to look.
    """

    visitors: Visitors
    wrong_at_canary: float
    began: Mapping[Role, float] = field(default_factory=lambda: dict.fromkeys(Role, 0.0))

    def counts(self) -> LoadCounts:
        answers = {role: int(n - self.began[role]) for role, n in self.visitors.requests.items()}
        wrong = {Role.STABLE: 0.001, Role.CANARY: self.wrong_at_canary}
        ids = {Role.STABLE: scripted.STABLE.id, Role.CANARY: scripted.CANARY.id}
        return LoadCounts(
            answers_by_revision={ids[role]: answers[role] for role in Role},
            failures_by_revision={
                ids[role]: {"unexpected body": int(answers[role] * wrong[role])} for role in Role
            },
        )


def beside(story: Story, run: str, looking: Looking, told: Listener = lambda _: None) -> Context:
    context = story.context(run, told)
    system = context.system.model_copy(update={"load": load_of()})
    return replace(context, system=system, sent=looking.counts)


@pytest.mark.parametrize(
    ("wrong", "phase", "words"),
    [
        (0.2, Phase.ROLLED_BACK, "answers as expected: "),
        (0.001, Phase.PROMOTED, "errors: "),
    ],
)
def test_a_canary_whose_answers_are_wrong_is_rolled_back_though_none_of_them_failed(
    tmp_path: Path, wrong: float, phase: Phase, words: str
) -> None:
    story = Story(tmp_path, Visitors())
    context = beside(story, "one", Looking(story.visitors, wrong))
    ended = carry_on(context, story.canary("one"))
    assert ended.phase is phase
    assert ended.decision.startswith(words)


def test_traffic_that_begins_again_at_zero_voids_no_poll(tmp_path: Path) -> None:
    story = Story(tmp_path, Visitors())

    def kill(event: record.Event) -> None:
        if event.event == "observation" and event.details["number"] == 5:
            raise Killed

    with pytest.raises(Killed):
        carry_on(beside(story, "one", Looking(story.visitors, 0.05), kill), story.canary("one"))
    polls: list[record.Event] = []
    began_again = Looking(story.visitors, 0.05, began=dict(story.visitors.requests))
    left = story.store.load().canary
    assert left is not None
    ended = carry_on(beside(story, "two", began_again, polls.append), left)
    assert ended.phase is Phase.ROLLED_BACK
    assert ended.decision.startswith("answers as expected: ")
    observed = [cast("Any", each.details["poll"]) for each in polls if each.event == "observation"]
    assert observed
    assert all(poll["canary"]["expected"] is not None for poll in observed)
