"""Which commands of deploytool bring a release to a target, from whatever an earlier run left."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.delivery.deploying import Deployment, Left, to_canary, what_was_left
from pipeline.delivery.tool import Ended

RELEASE = Path("dist/release/release.json")
OF_RELEASE = f"--release {RELEASE}"
AT_REST = {"canary": None, "holder": None}
NOTHING_TO_DO = {"changes": [{"op": "noop", "object": "shop", "revision": {"id": "aaa"}}]}


def plan(*services: str, op: str = "update") -> dict[str, Any]:
    """Return a plan that changes these services to revision `new`, and the gateway."""
    return {
        "changes": [
            {"op": "apply", "object": "gateway", "revision": None},
            *({"op": op, "object": name, "revision": {"id": "new"}} for name in services),
        ]
    }


def left(phase: str, *, component: str = "shop", canary: str = "new", by: Any = None) -> Any:
    seen = {"component": component, "canary": canary, "stable": "old", "phase": phase}
    return {"canary": {**seen, "run": "r1", "reason": "why"}, "holder": by}


class Target:
    """A deploytool that answers from a list, and writes down how it was called."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {name: list(each) for name, each in answers.items()}
        self.calls: list[str] = []

    def __call__(self, *arguments: str) -> Ended:
        self.calls.append(" ".join(arguments))
        code, result = self.answers[arguments[0]].pop(0)
        return Ended(code, result)

    def deploy(self) -> int:
        return Deployment(self, RELEASE).deploy()


def test_a_target_that_runs_nothing_yet_is_brought_up() -> None:
    target = Target(status=[(0, AT_REST)], plan=[(3, plan("shop", op="create"))], up=[(0, {})])
    assert target.deploy() == 0
    assert target.calls == ["status", f"plan {OF_RELEASE}", f"up {OF_RELEASE}"]


def test_each_service_that_changes_is_a_canary_and_all_else_comes_after() -> None:
    target = Target(
        status=[(0, AT_REST)],
        plan=[(3, plan("shop", "stock"))],
        canary=[(0, {}), (0, {})],
        up=[(0, {})],
    )
    assert target.deploy() == 0
    assert target.calls[2:] == [
        f"canary shop {OF_RELEASE}",
        f"canary stock {OF_RELEASE}",
        f"up {OF_RELEASE}",
    ]


def test_what_runs_already_changes_nothing_and_is_told_so() -> None:
    target = Target(status=[(0, AT_REST)], plan=[(0, NOTHING_TO_DO)], up=[(0, {})])
    deployment = Deployment(target, RELEASE)
    assert deployment.deploy() == 0
    assert deployment.is_unchanged


@pytest.mark.parametrize("code", [1, 4, 5, 6])
def test_a_canary_that_is_not_promoted_ends_the_deployment_with_its_exit_code(code: int) -> None:
    target = Target(status=[(0, AT_REST)], plan=[(3, plan("shop", "stock"))], canary=[(code, {})])
    assert target.deploy() == code
    assert target.calls[-1] == f"canary shop {OF_RELEASE}"


def test_a_release_that_is_refused_changes_nothing() -> None:
    refused = {"error": "invalid-input", "what": "no JSON", "why": "x", "hint": "y"}
    target = Target(status=[(0, AT_REST)], plan=[(2, refused)])
    assert target.deploy() == 2
    assert target.calls == ["status", f"plan {OF_RELEASE}"]


def test_the_canary_of_a_killed_job_goes_on_when_it_is_of_this_release() -> None:
    target = Target(
        status=[(0, left("observing"))],
        plan=[(3, plan("shop", "stock")), (3, plan("stock"))],
        resume=[(0, {})],
        canary=[(0, {})],
        up=[(0, {})],
    )
    assert target.deploy() == 0
    assert target.calls == [
        "status",
        f"plan {OF_RELEASE}",
        "resume",
        f"plan {OF_RELEASE}",
        f"canary stock {OF_RELEASE}",
        f"up {OF_RELEASE}",
    ]


def test_the_canary_of_a_killed_job_is_taken_back_when_it_is_of_another_release() -> None:
    target = Target(
        status=[(0, left("observing", canary="other"))],
        plan=[(3, plan("shop")), (3, plan("shop"))],
        abort=[(0, {})],
        canary=[(0, {})],
        up=[(0, {})],
    )
    assert target.deploy() == 0
    assert target.calls[2:4] == ["abort", f"plan {OF_RELEASE}"]


def test_what_is_stable_and_only_to_be_removed_is_finished_whatever_release_it_is_of() -> None:
    found = left("cleaning", canary="other")
    assert what_was_left(found, plan("shop")) is Left.RESUME


def test_a_resumed_canary_that_is_rolled_back_ends_the_deployment() -> None:
    target = Target(status=[(0, left("observing"))], plan=[(3, plan("shop"))], resume=[(4, {})])
    assert target.deploy() == 4
    assert target.calls[-1] == "resume"


def test_no_release_passes_by_the_people_who_decide_about_a_held_canary() -> None:
    target = Target(status=[(0, left("held"))], plan=[(3, plan("shop"))])
    deployment = Deployment(target, RELEASE)
    assert deployment.deploy() == 5
    assert target.calls == ["status", f"plan {OF_RELEASE}"]
    assert deployment.steps[-1].ended.result["component"] == "shop"


def test_a_canary_that_somebody_works_on_is_left_to_the_command_that_says_who() -> None:
    found = left("observing", by={"user": "ada"})
    assert what_was_left(found, plan("shop")) is Left.NOTHING


def test_only_what_runs_and_becomes_another_revision_is_a_canary() -> None:
    changes = [
        {"op": "start", "object": "database", "revision": None},
        {"op": "create", "object": "new", "revision": {"id": "a"}},
        {"op": "noop", "object": "same", "revision": {"id": "b"}},
        {"op": "update", "object": "shop", "revision": {"id": "c"}},
        {"op": "migrate", "object": "1_x.sql", "revision": None},
    ]
    assert to_canary({"changes": changes}) == ["shop"]
