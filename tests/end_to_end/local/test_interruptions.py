"""Whatever is killed, the system comes back, and nothing acknowledged is lost."""

import signal
import time
from typing import Any

import pytest

from .conftest import COMPONENT, Deploytool, consistent, draw, events, kill, until

KILLS = 10


@pytest.mark.parametrize("number", range(KILLS))
def test_a_killed_canary_can_be_resumed_or_aborted(deployed: Deploytool, number: int) -> None:
    chance = draw(number)
    end = "resume" if number % 2 else "abort"
    with deployed.visitors(rate=60, seed=number) as counts:
        before = deployed.stable()["revision"]
        process = deployed.start(
            "canary", COMPONENT, "--env", f"TRIAL=info{number}", "--no-load",
            "--steps", "30,50",
        )  # fmt: skip
        time.sleep(chance.uniform(0.5, 28))
        was_running = process.poll() is None
        kill(process)
        is_under_way = deployed.status()["canary"] is not None
        ended = deployed.run(end, *(["--no-load"] if end == "resume" else []), "--output", "json")
    assert ended.code == (0 if is_under_way else 1), f"{was_running}: {ended}"
    assert counts().failures == 0, counts()
    after = deployed.stable()["revision"]
    if is_under_way:
        assert (after == before) is (end == "abort"), str(ended)
    consistent(deployed)


def test_ctrl_c_leaves_a_state_that_abort_accepts(deployed: Deploytool) -> None:
    process = deployed.start("canary", COMPONENT, "--env", "TRIAL=infoc")
    until(lambda: deployed.status()["canary"] is not None, what="the canary begins")
    process.send_signal(signal.SIGINT)
    ended = deployed.ended(process, timeout_s=30)
    assert ended.code == 130
    assert "resume" in ended.errors
    assert "abort" in ended.errors
    assert deployed.done("abort")["result"] == "rolled-back"
    consistent(deployed)


@pytest.mark.parametrize("component", [COMPONENT, "legacy-app", "gateway", "database"])
def test_a_killed_process_is_back_within_seconds(deployed: Deploytool, component: str) -> None:
    with deployed.visitors() as counts:
        port = deployed.port_of(component)
        victim = deployed.process_of(component, port)
        victim.send_signal(signal.SIGKILL)
        victim.wait(10)
        took_s = until(
            lambda: all(i["condition"] == "ready" for i in deployed.status()["instances"]),
            what=f"{component} is back",
            deadline_s=30,
        )
        time.sleep(2)
        failed = counts().failures
        time.sleep(3)
        # Once it is back, nothing fails any more.
        assert counts().failures == failed, counts()
    assert took_s < 15
    assert deployed.process_of(component, deployed.port_of(component)).pid != victim.pid
    consistent(deployed)


def test_a_canary_outlives_the_death_of_the_router(deployed: Deploytool) -> None:
    # One long step: where the weight moves, polls are left out anyway.
    process = deployed.start(
        "canary", COMPONENT, "--env", "TRIAL=router", "--load", "80", "--steps", "10",
        "--output", "json",
    )  # fmt: skip
    until(lambda: observed(deployed) > 6, what="the canary is observed")
    victim = deployed.process_of("gateway", deployed.port_of("gateway"))
    victim.send_signal(signal.SIGKILL)
    ended = deployed.ended(process)
    assert ended.code == 0, str(ended)
    assert deployed.stable()["revision"] == ended.result["canary"]
    consistent(deployed)
    # Its counters began again from nothing in mid-step: that poll is void, and the evidence goes
    # on from what it had.
    observations = [
        line["details"]
        for line in events(deployed.record(), "observation")
        if line["details"]["canary_run"] == ended.result["run"]
    ]
    void = next(n for n, each in enumerate(observations) if "reason" in each["poll"])
    before, at, after = observations[void - 1 : void + 2]
    assert 0 < total(before) == total(at) <= total(after) < total(observations[-1])


def total(observation: dict[str, Any]) -> int:
    """Return how many requests to the canary were judged up to an observation."""
    return int(observation["verdict"]["figures"]["in_total"]["canary"]["requests"])


def observed(deployed: Deploytool) -> int:
    """Return how often the last command has observed its canary."""
    record = deployed.record()
    begun = [line["run"] for line in record if line.get("command") == "canary"]
    return sum(line["run"] == begun[-1] for line in events(record, "observation"))


@pytest.mark.parametrize("command", ["canary", "up"])
def test_a_second_operation_is_refused_and_told_who_works(
    deployed: Deploytool, command: str
) -> None:
    first = deployed.start("canary", COMPONENT, "--env", "TRIAL=infos")
    try:
        until(lambda: deployed.status()["holder"] is not None, what="the first holds the target")
        second = deployed.run(command)
    finally:
        first.send_signal(signal.SIGINT)
        deployed.ended(first, timeout_s=30)
    assert second.code == 6, str(second)
    assert f"process {first.pid}" in second.errors or f"pid {first.pid}" in second.errors
    assert "since" in second.errors
    if deployed.status()["canary"] is not None:
        deployed.done("abort")
    consistent(deployed)
