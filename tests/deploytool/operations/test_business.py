"""What a component's own counters add to the router's, and who is silent where they cannot be."""

from dataclasses import replace
from pathlib import Path

import pytest

from deploytool.canary.observation import ArmCounters, Pair, Snapshot
from deploytool.operations.business import with_business
from deploytool.operations.context import Context
from deploytool.platforms.base import Answer, Role
from deploytool.system.policy import BusinessMetric
from tests.deploytool.operations.scripted import Story, Visitors

SOLD = BusinessMetric(name="sold per offer", count="sold_total", per="offers_total")
LOOK = Snapshot(taken_at=0, stable=ArmCounters(), canary=ArmCounters())
GOOD = Answer(200, b"sold_total 3\noffers_total 4\n", 0.001)
UNREADABLE = [Answer(404, b"not found", 0.001), Answer(200, b"<html>{", 0.001)]
TOLD = {"sold per offer": Pair(count=3, per=4)}


def context(folder: Path, answers: dict[Role, Answer]) -> Context:
    """Return the context of a component with one business metric, whose instances answer so."""
    story = Story(folder, Visitors())
    found = story.context("one")
    back = found.service("back")
    selling = back.model_copy(
        update={"canary": back.canary.model_copy(update={"business": (SOLD,)})}
    )
    components = {**found.system.components, "back": selling}
    story.target.__dict__["request_each"] = lambda _component, role, _path: [answers[role]]
    return replace(found, system=found.system.model_copy(update={"components": components}))


def business(folder: Path, answers: dict[Role, Answer]) -> tuple[dict[str, Pair], dict[str, Pair]]:
    found = with_business(context(folder, answers), "back", LOOK)
    return found.stable.business, found.canary.business


def test_both_versions_events_are_added(tmp_path: Path) -> None:
    assert business(tmp_path, dict.fromkeys(Role, GOOD)) == (TOLD, TOLD)


@pytest.mark.parametrize("unreadable", UNREADABLE)
def test_a_canary_whose_counters_cannot_be_read_is_silent_beside_stable(
    tmp_path: Path, unreadable: Answer
) -> None:
    assert business(tmp_path, {Role.STABLE: GOOD, Role.CANARY: unreadable}) == (TOLD, {})


@pytest.mark.parametrize("unreadable", UNREADABLE)
def test_where_stables_cannot_be_read_nothing_is_compared(
    tmp_path: Path, unreadable: Answer
) -> None:
    assert business(tmp_path, {Role.STABLE: unreadable, Role.CANARY: GOOD}) == ({}, {})
