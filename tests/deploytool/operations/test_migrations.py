"""When contract migrations may run: what stands against it, in words."""

import pytest

from deploytool.operations.migrations import older_instances
from deploytool.platforms.base import Condition, Instance, Role
from deploytool.record.store import TargetState
from deploytool.system.revision import Revision

STATE = TargetState(
    stable={"web": Revision(component="web", id="w2", artifact="ff", environment={})}
)


def instance(
    revision: str,
    role: Role = Role.STABLE,
    condition: Condition = Condition.READY,
    component: str = "web",
) -> Instance:
    return Instance(component, role, revision, condition, reason="")


def test_nothing_stands_against_it_when_all_that_runs_is_stable() -> None:
    assert list(older_instances(STATE, [instance("w2"), instance("", component="store")])) == []


@pytest.mark.parametrize("condition", [Condition.READY, Condition.WAITING, Condition.FAILED])
def test_another_revision_stands_against_it_however_it_is(condition: Condition) -> None:
    found = list(older_instances(STATE, [instance("w2"), instance("w1", Role.CANARY, condition)]))
    assert found == ["web canary runs w1, not the stable w2"]


def test_what_does_not_run_stands_against_nothing() -> None:
    gone = instance("w1", Role.CANARY, Condition.ABSENT)
    assert list(older_instances(STATE, [gone])) == []


def test_what_runs_without_being_stable_stands_against_it() -> None:
    found = list(older_instances(STATE, [instance("s1", component="shop")]))
    assert found == ["shop stable runs s1, not the stable one"]
