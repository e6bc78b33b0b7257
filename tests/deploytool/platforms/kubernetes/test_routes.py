"""The share of a canary in several routes, among which are others', on objects in memory."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from deploytool.platforms.kubernetes.objects import FOUNDATION, Object, with_marks
from deploytool.platforms.kubernetes.routes import KIND, VERSION, Routes, arms, complaint
from deploytool.platforms.kubernetes.sharing import Pods
from deploytool.system.declaration import System
from deploytool.traffic.http_route import canary_share, with_canary
from tests.deploytool.platforms.kubernetes.memory import Memory

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


def route(name: str, percent: int | None = None) -> Object:
    item: Object = {
        "apiVersion": VERSION,
        "kind": KIND,
        "metadata": {"name": name},
        "spec": {"rules": [{"backendRefs": [{"name": "web", "port": 80}]}]},
    }
    return item if percent is None else with_canary(item, arms("web"), percent, None)


def opened(*items: Object) -> tuple[Routes, Memory]:
    cluster = Memory()
    for each in items:
        cluster.create(each)
    return Routes(cluster, SYSTEM, cast("Any", SimpleNamespace())), cluster


@pytest.mark.parametrize(
    ("shares", "percent"),
    [
        ([], None), ([None, None], None), ([0, 0], 0), ([50, 50], 50),
        ([50, 20], 20), ([20, 50], 20), ([50, None], 0), ([None, 50], 0),
    ],
)  # fmt: skip
def test_a_share_is_in_force_when_every_route_has_it(
    shares: list[int | None], percent: int | None
) -> None:
    routes, _ = opened(*[route(f"r{n}", share) for n, share in enumerate(shares)])
    assert routes.percent("web") == percent


@pytest.mark.parametrize(
    ("stable", "canary", "percent", "pods"),
    [(2, 1, 10, Pods(1, 1)), (2, 1, 50, Pods(2, 1)), (2, 5, 10, Pods(5, 1)),
     (2, 1, 100, Pods(2, 2)), (2, 5, 100, Pods(5, 2))],
)  # fmt: skip
def test_one_pod_can_serve_any_share_but_the_whole_one_and_none_is_taken_away(
    stable: int, canary: int, percent: int, pods: Pods
) -> None:
    assert opened()[0].pods(stable, canary, percent) == pods


def test_a_share_that_only_some_routes_have_is_given_to_the_others() -> None:
    routes, _ = opened(route("first", 50), route("second", 20))
    routes.give("web", 50, 1)
    assert routes.percent("web") == 50


def test_a_look_is_told_the_share_that_the_routes_have() -> None:
    told: list[tuple[int, float | None]] = []

    def observe(_web: str, _arms: Any, _rules: int, percent: int, share: float | None) -> None:
        told.append((percent, share))

    _, cluster = opened(route("first", 20))
    edge = cast("Any", SimpleNamespace(observe=observe))
    Routes(cluster, SYSTEM, edge).observe("web")
    assert told == [(20, canary_share([route("first", 20)], arms("web")))]
    assert told[0][1] == pytest.approx(0.2, abs=0.01)


def test_others_routes_are_not_waited_for() -> None:
    refused = {"parents": [{"conditions": [
        {"type": "Accepted", "status": "False", "reason": "NoMatchingParent", "message": "none"},
    ]}]}  # fmt: skip
    _, cluster = opened({**route("theirs"), "status": refused})
    assert complaint(cluster) == ""
    cluster.create({**with_marks(route("ours"), {FOUNDATION: "shop"}), "status": refused})
    assert complaint(cluster) == "HTTPRoute/ours: the gateway says NoMatchingParent: none"
