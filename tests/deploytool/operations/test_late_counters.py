"""Counters that were not read anew since the last look, as a Prometheus has them: no evidence."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deploytool.canary.machine import Action, Canary
from deploytool.canary.observation import ArmCounters, Snapshot
from deploytool.operations import observation, replacement
from deploytool.operations.context import Context
from deploytool.platforms.base import Condition, Instance, Role
from deploytool.record.store import TargetState
from deploytool.system.declaration import System
from deploytool.system.revision import revision_of

SYSTEM = System.model_validate(
    {
        "system": "example",
        "components": {
            "db": {"kind": "postgresql", "database": "d", "migrations": "m", "roles": ["r"]},
            "edge": {"kind": "gateway"},
            "web": {"kind": "service", "route": "/w"},
        },
    }
)
CANARY = Canary(
    run="first",
    component="web",
    stable=revision_of("web", "aa", {}),
    canary=revision_of("web", "bb", {}),
    steps=(10, 50),
    since=0.0,
)
# When the counters were taken, and how many requests stable had then.
Looks = Sequence[tuple[float, int]]


def context(looks: Looks, told: list[Any]) -> tuple[Context, list[tuple[float, int]]]:
    """Return the context of an operation to which each look shows the next of these counters."""
    left, slept = list(looks), [0.0]

    def observe(_: str) -> Snapshot:
        taken_at, requests = left.pop(0)
        arm = ArmCounters(requests={200: requests}, buckets=((float("inf"), requests),))
        return Snapshot(taken_at=taken_at, stable=arm, canary=ArmCounters())

    def ready(component: str, role: Role) -> Instance:
        return Instance(component, role, "bb", Condition.READY, "")

    def sleep(seconds: float) -> None:
        slept[0] += seconds

    store = SimpleNamespace(load=TargetState, take_wishes=lambda _: ())
    platform = SimpleNamespace(observe=observe, instance=ready, store=store, weight=lambda _: 100)
    return Context(
        system=SYSTEM,
        platform=cast("Any", platform),
        target="memory",
        run="first",
        command="canary",
        artifacts={},
        emit=told.append,
        monotonic=lambda: slept[0],
        sleep=sleep,
    ), left


def test_stable_is_drained_when_newer_counters_are_the_same() -> None:
    looks = [(1, 10), (1, 10), (1, 10), (5, 14), (5, 14), (9, 14), (9, 14)]
    made, left = context(looks, [])
    replacement._PERFORM[Action.DRAIN_STABLE](made, CANARY)
    assert left == [(9, 14)]


@pytest.mark.parametrize(
    ("looks", "timed"),
    [
        # They come still: until there are enough.
        ([(1, 10), (1, 10), (1, 10), (5, 600), (5, 600), (9, 1100)], 1100),
        # None came in a time of which the counters are known.
        ([(1, 10), (1, 10), (5, 10)], 10),
    ],
)
def test_stable_is_learnt_from_as_long_as_newer_counters_grow(looks: Looks, timed: int) -> None:
    told: list[Any] = []
    made, left = context(looks, told)
    canary = observation.learn_stable(made, CANARY)
    assert left == []
    assert canary.evidence is not None
    [begun] = [each for each in told if each.event == "evidence-begun"]
    assert begun.details["baseline"]["requests"] == {"200": timed}
