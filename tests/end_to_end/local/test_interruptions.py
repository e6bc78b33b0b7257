"""Whatever is killed, the system comes back, and nothing acknowledged is lost."""

import signal
from typing import Any

from tests.end_to_end.deployed import COMPONENT, consistent, events, until
from tests.end_to_end.interruptions import Interruptions
from tests.end_to_end.local.conftest import Deploytool
from tests.end_to_end.policies import UNHURRIED


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


def test_a_canary_whose_output_nobody_reads_goes_on_to_its_end(deployed: Deploytool) -> None:
    """As `canary 2>&1 | head -3` does."""
    with deployed.visitors(rate=40) as counts:
        process = deployed.start("canary", COMPONENT, "--env", "TRIAL=head", "--no-load")
        assert process.stdout is not None
        assert process.stderr is not None
        for _ in range(3):
            process.stderr.readline()
        process.stderr.close()
        process.stdout.close()
        assert process.wait(120) == 0
    run = events(deployed.record(), "canary-started")[-1]
    assert deployed.stable() == run["details"]["canary"]
    assert any(
        "BrokenPipeError" in note["reason"]
        for note in events(deployed.record(), "note")
        if note["run"] == run["run"]
    )
    assert counts().failures == 0, counts()
    consistent(deployed)


def test_a_second_operation_is_refused_and_told_who_works(deployed: Deploytool) -> None:
    first = deployed.start("canary", COMPONENT, "--env", "TRIAL=infos")
    try:
        until(lambda: deployed.status()["holder"] is not None, what="the first holds the target")
        seconds = [deployed.run(command) for command in ("canary", "up")]
    finally:
        first.send_signal(signal.SIGINT)
        deployed.ended(first, timeout_s=30)
    for second in seconds:
        assert second.code == 6, str(second)
        assert f"process {first.pid}" in second.errors or f"pid {first.pid}" in second.errors
        assert "since" in second.errors
    if deployed.status()["canary"] is not None:
        deployed.done("abort")
    consistent(deployed)


class TestInterruptions(Interruptions):
    """On the local target."""


def test_a_canary_outlives_the_death_of_the_router(deployed: Deploytool) -> None:
    known = len(deployed.record())
    # One long step: where the weight moves, polls are left out anyway.
    with deployed.declared(**UNHURRIED):
        process = deployed.start(
            "canary", COMPONENT, "--env", "TRIAL=router", "--load", "80", "--steps", "10",
            "--output", "json",
        )  # fmt: skip
        until(
            lambda: len(events(deployed.record()[known:], "observation")) > 6,
            what="the canary is observed",
        )
    victim = deployed.process_of("gateway", deployed.port_of("gateway"))
    victim.send_signal(signal.SIGKILL)
    ended = deployed.ended(process)
    assert ended.code == 0, str(ended)
    assert deployed.stable() == ended.result["canary"]
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
