"""The main job on the local target: healthy canaries are promoted, faulty ones rolled back."""

from typing import Any

import pytest

from .conftest import ALPHA, COMPONENT, Deploytool, events


def test_a_healthy_canary_is_promoted_and_loses_no_request(deployed: Deploytool) -> None:
    before = deployed.stable()["revision"]
    with deployed.visitors() as counts:
        result = deployed.done("canary", COMPONENT, "--env", "TRIAL=warning", "--no-load")
    assert result["result"] == "promoted"
    assert deployed.stable()["revision"] == result["canary"] != before
    assert counts().requests > 0
    assert counts().failures == 0, counts()


def test_a_rollback_loses_no_request(deployed: Deploytool) -> None:
    deployed.done("canary", COMPONENT, "--env", "TRIAL=error", "--load", "80")
    serving = deployed.stable()["revision"]
    with deployed.visitors() as counts:
        result = deployed.done("rollback", COMPONENT)
    assert result["from"] == serving
    assert deployed.stable()["revision"] == result["to"]
    assert counts().failures == 0, counts()


def test_a_second_up_brings_the_build_back_and_a_third_changes_nothing(
    deployed: Deploytool,
) -> None:
    with deployed.visitors() as counts:
        deployed.done("up")
        again = deployed.done("up")
    assert again["counts"]["noop"] == len(again["changes"])
    assert deployed.done("plan")["counts"]["noop"] == len(again["changes"])
    assert counts().failures == 0, counts()


def faulty(deployed: Deploytool, fault: str) -> dict[str, Any]:
    """Canary a faulty revision; all that failed must have come from it, and stable must stay."""
    before = deployed.stable()["revision"]
    counted = deployed.counters().canary
    with deployed.visitors() as counts:
        result = deployed.done(
            "canary", COMPONENT, "--env", f"INVENTORY_FAULT={fault}", "--no-load", code=4
        )
    assert result["result"] == "rolled-back"
    assert deployed.stable()["revision"] == before
    roles = {(i["component"], i["role"]) for i in deployed.status()["instances"]}
    assert (COMPONENT, "canary") not in roles
    # Every failure that a visitor saw goes back to one that the router counted at the canary.
    failed_there = deployed.counters().canary.failed() - counted.failed()
    assert counts().failures <= failed_there, counts()
    return {**result, "failures": counts().failures}


def test_errors_are_rolled_back_and_named(deployed: Deploytool) -> None:
    result = faulty(deployed, "error:0.2")
    assert result["reason"].startswith("errors:")
    assert "status 500" in result["reason"]


def test_slowness_is_rolled_back_and_named(deployed: Deploytool) -> None:
    result = faulty(deployed, "latency:300ms")
    assert result["reason"].startswith("latency:")
    assert result["failures"] == 0


def test_a_canary_that_confirms_less_is_rolled_back_though_no_request_fails(
    deployed: Deploytool,
) -> None:
    failed = deployed.counters().canary.failed()
    with deployed.visitors(80, load=deployed.single_lines()):
        result = deployed.done(
            "canary", COMPONENT, "--env", "INVENTORY_FAULT=refuse:1", "--no-load", code=4
        )
    assert result["reason"].startswith("reservations confirmed per reservation made: ")
    assert deployed.counters().canary.failed() == failed


def test_a_crash_is_rolled_back_with_what_the_process_printed(deployed: Deploytool) -> None:
    result = faulty(deployed, "crash")
    assert "ended by itself" in result["reason"]
    assert "crash" in result["reason"].split("ended by itself", 1)[1]


@pytest.mark.parametrize("fault", ["unready", "exit"])
def test_a_canary_that_never_gets_ready_gets_no_traffic(deployed: Deploytool, fault: str) -> None:
    before = deployed.stable()["revision"]
    counted = deployed.counters().canary
    with deployed.visitors() as counts:
        result = deployed.done(
            "canary", COMPONENT, "--env", f"INVENTORY_FAULT={fault}", "--no-load",
            "--timeout", "8", code=4,
        )  # fmt: skip
    assert "ready" in result["reason"]
    assert deployed.counters().canary == counted
    assert deployed.stable()["revision"] == before
    assert counts().failures == 0, counts()


def test_the_record_holds_every_transition_observation_and_verdict(deployed: Deploytool) -> None:
    result = deployed.done("canary", COMPONENT, "--load", "80")
    run = [line for line in deployed.record() if line.get("run") == result["run"]]
    assert run[0]["event"] == "command-started"
    assert (run[-1]["event"], run[-1]["exit_code"]) == ("command-ended", 0)
    assert [line["sequence"] for line in run] == list(range(1, len(run) + 1))
    phases = [line["result"] for line in events(run, "transition")]
    assert phases == [
        "observing", "observing", "observing", "promoting", "replacing", "returning", "cleaning",
        "promoted",
    ]  # fmt: skip
    assert [line["result"] for line in events(run, "verdict")] == ["advance", "advance", "promote"]
    verdict = events(run, "verdict")[-1]["details"]["figures"]
    assert verdict["upper_bound"] <= verdict["gate"] == 0.01
    assert verdict["e_value"] < verdict["e_limit"] == pytest.approx(1 / ALPHA)
    again = deployed.done("replay", result["run"])
    assert (again["outcome"], again["decision"]) == ("promoted", "promote")
    assert again["observations"] == len(events(run, "observation"))
    assert again["lines"] == len(deployed.record())


def test_history_and_verify_tell_what_happened(deployed: Deploytool) -> None:
    past = deployed.done("history", "--last", "3")["commands"]
    assert past[-1]["exit_code"] == 0
    assert deployed.done("verify")["failed"] == 0


def test_a_hold_waits_for_a_person(deployed: Deploytool) -> None:
    held = deployed.done(
        "canary", COMPONENT, "--env", "TRIAL=info", "--hold", "--load", "80", "--steps", "50",
        code=5,
    )  # fmt: skip
    assert held["result"] == "held"
    assert deployed.status()["weights"] == {COMPONENT: 50}
    assert deployed.done("promote")["result"] == "promoted"
    assert deployed.stable()["revision"] == held["canary"]


def test_what_cannot_be_decided_in_time_is_taken_back_where_that_is_declared(
    deployed: Deploytool,
) -> None:
    before = deployed.stable()["revision"]
    with deployed.declared(step_deadline_s=6, when_held="abort"):
        result = deployed.done("canary", COMPONENT, "--env", "TRIAL=silence", "--no-load", code=5)
    assert result["result"] == "rolled-back"
    assert result["reason"].startswith("not decided in time: ")
    assert deployed.stable()["revision"] == before
