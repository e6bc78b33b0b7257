"""What `verify` makes of the flows that a platform has tried, beside all else that it looks at."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from deploytool.errors import DeployError, PlatformFailed
from deploytool.operations.check import Check
from deploytool.operations.context import Context
from deploytool.operations.verify import verify
from deploytool.platforms.base import (
    Answer,
    Condition,
    Connection,
    Instance,
    Outcome,
    Platform,
    Role,
)
from deploytool.record.event import Event
from deploytool.record.store import TargetState
from deploytool.system.declaration import System

DECLARED = {
    "system": "example",
    "components": {
        "db": {"kind": "postgresql", "database": "d", "migrations": "m", "roles": ["r"]},
        "edge": {"kind": "gateway"},
    },
}
LOOKS = list[Sequence[Connection] | DeployError]


class Target:
    """A platform on which all is well but, perhaps, who reaches whom. looks: one after another."""

    def __init__(self, looks: LOOKS) -> None:
        self._looks = looks
        self.store = self

    def load(self) -> TargetState:
        return TargetState()

    def instances(self) -> list[Instance]:
        return [Instance("db", Role.STABLE, "", Condition.READY, "")]

    def query(self, _sql: str) -> list[Mapping[str, Any]]:
        return []

    def pending_migrations(self, _kind: str) -> list[str]:
        return []

    def require_distinct_migrations(self) -> None:
        """Each has a version of its own."""

    def request_through_gateway(self, _path: str) -> Answer:
        raise AssertionError("the system has no service to ask for its revision")

    def connections(self) -> Sequence[Connection]:
        look = self._looks.pop(0)
        if isinstance(look, DeployError):
            raise look
        return look


def look(edge_to_db: Outcome) -> list[Connection]:
    stable = Role.STABLE
    return [
        Connection("edge", stable, "db", stable, 5432, True, edge_to_db),
        Connection("db", stable, "edge", stable, 80, True, Outcome.REFUSED),
    ]


def verified(
    looks: LOOKS, flows: Mapping[str, Sequence[str]] | None
) -> tuple[list[Check], list[Event], list[float]]:
    """Return the checks about flows, their events, and the pauses made."""
    told: list[Event] = []
    slept: list[float] = []
    context = Context(
        system=System.model_validate({**DECLARED, "flows": flows}),
        platform=cast("Platform", Target(looks)),
        target="memory",
        run="r1",
        command="verify",
        artifacts={},
        emit=told.append,
        sleep=slept.append,
    )
    about_flows = {"is let through", "is refused", "can be tried"}
    checks = [each for each in verify(context) if each.statement in about_flows]
    return checks, [each for each in told if "->" in each.object], slept


def test_each_flow_is_a_check_and_told() -> None:
    checks, told, slept = verified([look(Outcome.REACHED)], {"edge": ["db"]})
    assert checks == [
        Check("db -> edge", "is refused", True, "port 80 was refused"),
        Check("edge -> db", "is let through", True, "port 5432 was reached"),
    ]
    assert [(each.event, each.result) for each in told] == [("check", "ok")] * 2
    assert slept == []


def test_a_flow_that_is_not_as_declared_is_tried_again_and_then_failed() -> None:
    checks, told, slept = verified([look(Outcome.REACHED)] * 2, {})
    assert checks[1] == Check("edge -> db", "is refused", False, "port 5432 was reached")
    assert [each.result for each in told] == ["ok", "failed"]
    assert slept == [3.0]


def test_pods_that_have_just_started_are_learnt_of() -> None:
    looks: LOOKS = [look(Outcome.REACHED), look(Outcome.REFUSED)]
    checks, _, _ = verified(looks, {})
    assert all(each.is_true for each in checks)


def test_flows_that_cannot_be_tried_are_a_failure_with_the_platforms_words() -> None:
    failure = PlatformFailed("the cluster does not allow it", why='pods "edge-1" is forbidden')
    checks, _, _ = verified([failure] * 2, {})
    why = 'the cluster does not allow it: pods "edge-1" is forbidden'
    assert checks == [Check("flows", "can be tried", False, why)]


@pytest.mark.parametrize(("looks", "flows"), [([], None), ([[]], {"edge": ["db"]})])
def test_where_none_are_declared_or_nothing_keeps_components_apart_none_are_shown(
    looks: LOOKS, flows: Mapping[str, Sequence[str]] | None
) -> None:
    assert verified(looks, flows) == ([], [], [])
