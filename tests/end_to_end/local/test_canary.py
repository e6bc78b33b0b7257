"""Canaries on the local target that are not well."""

import pytest

from tests.end_to_end.canaries import Canaries, answers_since, faulty, stable_kept, stopped
from tests.end_to_end.deployed import COMPONENT, events
from tests.end_to_end.local.conftest import Deploytool
from tests.end_to_end.policies import ALPHA, UNHURRIED


class TestCanaries(Canaries):
    """On the local target."""


def test_slowness_is_rolled_back_and_named(deployed: Deploytool) -> None:
    with deployed.declared(**UNHURRIED):
        result = faulty(deployed, "latency:300ms")
    assert result["reason"].startswith("latency:")
    assert result["failures"] == 0


@pytest.mark.parametrize(
    ("fault", "metric"),
    # The first begins after the smoke requests, long before a step is passed.
    [("late:4s:status:404:1", "client errors: "), ("hang:0.33", "errors: ")],
)
def test_what_visitors_would_call_not_served_is_rolled_back_and_named(
    deployed: Deploytool, fault: str, metric: str
) -> None:
    with deployed.declared(**{**UNHURRIED, "steps": [30, 50]}), deployed.answering_within(2):
        result = faulty(deployed, fault)
    assert result["reason"].startswith(metric)


def test_wrong_bodies_are_found_by_the_tools_own_traffic_and_callers_are_named(
    deployed: Deploytool,
) -> None:
    with stable_kept(deployed), deployed.declared(**UNHURRIED):
        result = deployed.done(
            "canary", COMPONENT, "--env", "INVENTORY_FAULT=body:0.5", "--load", "80", code=4
        )
    assert result["reason"].startswith("answers as expected: ")
    assert result["load"]["counts"]["failures_by_kind"]["unexpected body"] > 0
    assert [each for each in result["callers"] if "legacy-app" in each and COMPONENT in each]


def test_a_process_that_is_stopped_loses_its_visitors_and_is_rolled_back(
    deployed: Deploytool,
) -> None:
    result = stopped(deployed, lambda: deployed.pid_of(COMPONENT, "canary"))
    assert result["reason"].startswith("the canary has not answered its readiness path for 3 s: ")


def test_a_canary_that_confirms_less_is_rolled_back_though_no_request_fails(
    deployed: Deploytool,
) -> None:
    counted = deployed.counters().canary
    with (
        stable_kept(deployed),
        deployed.declared(**UNHURRIED, client_errors="ignore"),
        deployed.visitors(80, load=deployed.single_lines()),
    ):
        result = deployed.done(
            "canary", COMPONENT, "--env", "INVENTORY_FAULT=refuse:1", "--no-load",
            "--steps", "50", code=4,
        )  # fmt: skip
    assert result["reason"].startswith("reservations confirmed per reservation made: ")
    answers = answers_since(counted, deployed.counters().canary)
    assert not any(count for code, count in answers.items() if code >= 500)


def test_the_record_holds_every_transition_observation_and_verdict(deployed: Deploytool) -> None:
    with deployed.declared(**UNHURRIED):
        result = deployed.done("canary", COMPONENT, "--load", "80", "--steps", "25,40,50")
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
    assert verdict["upper_bound"] <= verdict["gate"] == UNHURRIED["tolerance"]
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
    status = deployed.status()
    assert status["weights"] == {COMPONENT: 50}
    assert status["canary"]["differs"] == ["TRIAL=info"]
    assert deployed.done("history", "--last", "2")["commands"][0]["differs"] == ["TRIAL=info"]
    for address in status["addresses"].values():
        assert address.startswith(f"{status['url']}/")
    assert deployed.done("promote")["result"] == "promoted"
    assert deployed.stable() == held["canary"]


def test_what_cannot_be_decided_in_time_is_taken_back_where_that_is_declared(
    deployed: Deploytool,
) -> None:
    before = deployed.stable()
    with deployed.declared(step_deadline_s=6, when_held="abort"):
        result = deployed.done("canary", COMPONENT, "--env", "TRIAL=silence", "--no-load", code=5)
    assert result["result"] == "rolled-back"
    assert result["reason"].startswith("not decided in time: ")
    assert deployed.stable() == before
