"""A canary that runs is steered from elsewhere: it ends in order, and visitors lose nothing."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest

from tests.end_to_end.deployed import COMPONENT, consistent, events, until
from tests.end_to_end.local.conftest import Deploytool
from tests.end_to_end.policies import UNHURRIED

# Requests a second: few, as two commands at a time work beside them.
RATE = 20
LONG = ("--no-load", "--steps", "10,50")


@contextmanager
def canary(deployed: Deploytool, trial: str) -> "Iterator[subprocess.Popen[str]]":
    """Run a canary in a process of its own, from its first judged requests on."""
    process = deployed.start(
        "canary", COMPONENT, "--env", f"TRIAL={trial}", *LONG, "--output", "json"
    )
    try:
        until(lambda: is_judged(deployed), what="requests of the canary are judged")
        yield process
    finally:
        process.kill()
        process.communicate()


def saved(deployed: Deploytool) -> Any:
    """Return the canary as it is saved: on two busy cores `status` would cost the visitors time."""
    return json.loads((deployed.state / "state.json").read_text())["canary"]


def is_judged(deployed: Deploytool) -> bool:
    evidence = (saved(deployed) or {}).get("evidence")
    return bool(evidence and evidence["at_this_step"]["canary"]["requests"])


def detached(deployed: Deploytool, trial: str, steps: str = "10,50") -> dict[str, Any]:
    """Leave a canary to a process of its own; return how `status` sees it at work."""
    left = deployed.done(
        "canary", COMPONENT, "--env", f"TRIAL={trial}", "--steps", steps, "--no-load", "--detach"
    )
    assert left["result"] == "detached"
    until(lambda: is_judged(deployed), what="requests of the canary are judged")
    status = deployed.status()
    assert status["canary"]["run"] == left["run"]
    assert status["holder"]["command"] == "resume"
    return status


def test_abort_from_elsewhere_takes_a_running_canary_back(deployed: Deploytool) -> None:
    before = deployed.stable()
    with deployed.visitors(RATE) as counts, canary(deployed, "elsewhere-1") as running:
        aborted = deployed.done("abort")
        ended = deployed.ended(running)
    assert aborted["result"] == ended.result["result"] == "rolled-back"
    assert aborted["reason"].startswith("abort was asked for by ")
    assert (ended.code, ended.result["reason"]) == (1, aborted["reason"])
    assert deployed.stable() == before
    assert counts().failures == 0, counts()
    consistent(deployed)


def test_promote_from_elsewhere_makes_a_running_canary_stable(deployed: Deploytool) -> None:
    with deployed.visitors(RATE) as counts, canary(deployed, "elsewhere-2") as running:
        promoted = deployed.done("promote")
        ended = deployed.ended(running)
    assert promoted["result"] == "promoted"
    assert promoted["reason"].startswith("promote was asked for by ")
    assert ended.code == 0, str(ended)
    assert deployed.stable() == promoted["canary"]
    assert counts().failures == 0, counts()
    consistent(deployed)


def test_a_canary_that_waits_to_be_ready_can_be_aborted_but_not_promoted(
    deployed: Deploytool,
) -> None:
    process = deployed.start("canary", COMPONENT, "--env", "INVENTORY_FAULT=unready", "--no-load")
    until(lambda: saved(deployed) is not None, what="the canary begins")
    refused = deployed.run("promote")
    assert refused.code == 1
    assert "has not served a request yet" in refused.errors
    assert deployed.status()["canary"]["phase"] == "starting"
    assert deployed.done("abort")["result"] == "rolled-back"
    assert deployed.ended(process).code == 1
    consistent(deployed)


def test_status_beside_a_running_canary_has_the_figures_on_record(deployed: Deploytool) -> None:
    with deployed.visitors(RATE), canary(deployed, "status"):
        status = deployed.status()
        shown = deployed.run("status").output
        observed = events(deployed.record(), "observation")
        deployed.done("abort")
    at, evidence = status["canary"], status["evidence"]
    assert (at["phase"], at["step"], at["steps"], at["weight"]) == ("observing", 0, [10, 50], 10)
    assert status["weights"] == {COMPONENT: 10}
    assert 0 < evidence["share_observed"] < 0.3
    assert evidence["figures"] in [line["details"]["verdict"]["figures"] for line in observed]
    assert evidence["decision"] == "continue"
    assert status["holder"]["command"] == "canary"
    for part in ("● 10 %", "step 1/2: 10 %", "not decided:", "against canary", "p99"):
        assert part in shown


def test_a_canary_beside_a_running_or_held_one_is_refused_unless_it_supersedes(
    deployed: Deploytool,
) -> None:
    with deployed.visitors(RATE) as counts:
        with canary(deployed, "first") as first:
            refused = deployed.run("canary", "legacy-app", "--no-load")
            assert refused.code == 6, str(refused)
            assert "--supersede" in refused.errors
            held = deployed.done(
                "canary", COMPONENT, "--env", "TRIAL=second", "--supersede", "--hold",
                "--no-load", "--steps", "50", code=5,
            )  # fmt: skip
            ended = deployed.ended(first)
        assert ended.code == 1
        assert ended.result["result"] == "rolled-back"
        assert held["stable"] == ended.result["stable"]
        refused = deployed.run("canary", "legacy-app", "--no-load")
        assert refused.code == 1, str(refused)
        assert "--supersede" in refused.errors
        third = deployed.done(
            "canary", COMPONENT, "--env", "TRIAL=third", "--supersede", "--no-load",
            "--steps", "50",
        )  # fmt: skip
    assert third["stable"] == held["stable"]
    assert deployed.stable() == third["canary"]
    assert counts().failures == 0, counts()
    consistent(deployed)


@pytest.mark.parametrize(("wish", "result"), [("abort", "rolled-back"), ("promote", "promoted")])
def test_a_detached_canary_follows_what_is_asked_of_it(
    deployed: Deploytool, wish: str, result: str
) -> None:
    with deployed.visitors(RATE) as counts:
        status = detached(deployed, f"detached-{wish}")
        assert deployed.done(wish)["result"] == result
        is_new = deployed.stable() == status["canary"]["canary"]
    assert is_new is (wish == "promote")
    assert counts().failures == 0, counts()
    consistent(deployed)


def test_a_detached_canary_that_is_killed_goes_on_with_its_evidence(deployed: Deploytool) -> None:
    # Its one step must not be decided before it is killed.
    with deployed.declared(**UNHURRIED), deployed.visitors(2 * RATE) as counts:
        status = detached(deployed, "killed", steps="50")
        psutil.Process(status["holder"]["pid"]).kill()
        until(lambda: saved(deployed) is None, what="it ends", deadline_s=120)
    assert deployed.stable() == status["canary"]["canary"]
    lines = [
        line
        for line in deployed.record()
        if line.get("details", {}).get("canary_run") == status["canary"]["run"]
    ]
    assert len(events(lines, "evidence-begun")) == 1
    first, second = events(lines, "step-begun")
    assert first["details"]["polls"] == 0 < second["details"]["polls"]
    assert first["run"] != second["run"]
    assert counts().failures == 0, counts()
    consistent(deployed)


def test_down_ends_a_detached_canary_with_all_the_rest(deployed: Deploytool) -> None:
    with deployed.visitors(RATE):
        status = detached(deployed, "down")
    deployed.done("down")
    assert not psutil.pid_exists(status["holder"]["pid"])
    assert deployed.processes() == []
    deployed.done("up")
    assert deployed.stable() != status["canary"]["canary"]
    consistent(deployed)
