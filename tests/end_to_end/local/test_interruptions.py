"""Whatever is killed, the system comes back, and nothing acknowledged is lost."""

import signal
from typing import Any

import pytest

from tests.end_to_end.deployed import COMPONENT, consistent, events, until
from tests.end_to_end.interruptions import (
    Interruptions,
    see_a_killed_canary_resumed_or_aborted,
)
from tests.end_to_end.local.conftest import Deploytool


class TestInterruptions(Interruptions):
    """On the local target."""

    @pytest.mark.parametrize("number", range(10))
    def test_a_killed_canary_can_be_resumed_or_aborted(
        self, deployed: Deploytool, number: int
    ) -> None:
        see_a_killed_canary_resumed_or_aborted(deployed, number)


def test_a_canary_outlives_the_death_of_the_router(deployed: Deploytool) -> None:
    known = len(deployed.record())
    # One long step: where the weight moves, polls are left out anyway.
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
