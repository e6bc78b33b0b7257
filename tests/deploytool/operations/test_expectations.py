"""What the tool's own traffic knows of the answers joins what the router counted."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deploytool.canary.machine import Canary
from deploytool.canary.observation import ArmCounters, Pair, Snapshot
from deploytool.operations.context import Context
from deploytool.operations.expectations import with_expectations
from deploytool.system.load import Load
from deploytool.system.revision import Revision, revision_of
from deploytool.traffic.load.counts import LoadCounts

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


def looked_at(
    counts: Callable[[], LoadCounts] | None, canary: Revision = CANARY, header: str | None = "X-R"
) -> Snapshot:
    journey = {"name": "look", "share": 1, "steps": [{"request": "GET /"}]}
    load = Load.model_validate({"rate": 1, "revision_header": header, "journeys": [journey]})
    context = SimpleNamespace(sent=counts, system=SimpleNamespace(load=load))
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
