"""Faults that every platform sees in a canary, and rolls it back for."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psutil

from deploytool.canary.observation import NOTHING, ArmCounters, Observation
from tests.end_to_end.deployed import COMPONENT, Deployed, events, until
from tests.end_to_end.policies import UNHURRIED

# Within this time after its start a canary that waiting does not help is gone.
SOON_S = 30
# Within this time a process that does not answer is found out, and a request answered or a 504.
SEEN_S, ANSWERS_S = 10, 3


class Canaries:
    """The tests, for a subclass beside a platform's own fixtures."""

    def test_a_crash_is_rolled_back_with_what_the_process_printed(self, deployed: Deployed) -> None:
        result = faulty(deployed, "crash")
        assert "ended by itself" in result["reason"]
        assert "crash" in result["reason"].split("ended by itself", 1)[1]

    def test_a_canary_that_never_gets_ready_gets_no_traffic(self, deployed: Deployed) -> None:
        result = unready(deployed, "unready", "--timeout", "8")
        assert "not ready after 8 s" in result["reason"]

    def test_a_canary_that_ends_again_and_again_is_stopped_soon_with_its_last_words(
        self, deployed: Deployed
    ) -> None:
        result = unready(deployed, "exit")
        assert lived_s(deployed) < SOON_S
        assert "waiting does not help" in result["reason"]
        assert "INVENTORY_FAULT=exit: exiting at start" in result["reason"]


@contextmanager
def stable_kept(deployed: Deployed) -> Iterator[None]:
    """See that stable stays; leave it as it was for the next test, whatever comes of this one.

    A fault may have been promoted, or be under observation still.
    """
    before = deployed.stable()
    try:
        yield
        assert deployed.stable() == before
    finally:
        if deployed.saved().canary is not None:
            deployed.run("abort")
        if deployed.stable() != before:
            deployed.run("rollback", COMPONENT, "--to", before)


def faulty(deployed: Deployed, fault: str) -> dict[str, Any]:
    """Canary a faulty revision; all that failed must have come from it, and stable must stay."""
    counted = deployed.counters().canary
    with stable_kept(deployed), deployed.visitors() as counts:
        result = deployed.done(
            "canary", COMPONENT, "--env", f"INVENTORY_FAULT={fault}", "--no-load", code=4
        )
    assert result["result"] == "rolled-back"
    roles = {(i["component"], i["role"]) for i in deployed.status()["instances"]}
    assert (COMPONENT, "canary") not in roles
    # Every failure that a visitor saw goes back to one that the router counted at the canary.
    answers = answers_since(counted, deployed.counters().canary)
    failed_there = sum(count for code, count in answers.items() if not 200 <= code < 300)
    assert counts().failures <= failed_there, counts()
    return {**result, "failures": counts().failures}


def answers_since(before: ArmCounters, now: ArmCounters) -> dict[int, int]:
    """Count by status; a router may begin at zero after a canary before this one."""
    return {
        code: count - was if count >= (was := before.requests.get(code, 0)) else count
        for code, count in now.requests.items()
    }


def stopped(deployed: Deployed, pid: Callable[[], int]) -> dict[str, Any]:
    """Stop a canary's process in mid-step: its visitors go to stable, and it is taken back.

    pid: returns its process, on this machine.
    """
    known = len(deployed.record())
    policy = {**UNHURRIED, "least_step_s": 60}
    with (
        stable_kept(deployed),
        deployed.declared(**policy),
        deployed.answering_within(ANSWERS_S),
        deployed.visitors() as counts,
        deployed.router() as router,
    ):
        process = deployed.start(
            "canary", COMPONENT, "--env", "TRIAL=stopped", "--no-load", "--steps", "50",
            "--output", "json",
        )  # fmt: skip

        def recorded(event: str, result: str = "") -> bool:
            found = events(deployed.record()[known:], event)
            return any(line["result"] == result or not result for line in found)

        until(lambda: recorded("observation"), what="the canary is observed")
        victim = psutil.Process(pid())
        victim.suspend()
        try:
            until(
                lambda: router.canary_percent(COMPONENT, None) == 0,
                what="the canary has no weight",
                deadline_s=SEEN_S,
            )
            # What was sent to it before gets its 504.
            time.sleep(ANSWERS_S)
            failed = counts().failures
            until(lambda: recorded("transition", "aborting"), what="the canary is taken back")
        finally:
            victim.resume()
        ended = deployed.ended(process)
    assert ended.code == 4, str(ended)
    assert 0 < counts().failures == failed < counts().requests / 3, counts()
    return ended.result


def unready(deployed: Deployed, fault: str, *options: str) -> dict[str, Any]:
    """Canary a revision that never gets ready: no visitor may reach it, and stable must stay."""
    before = deployed.stable()
    counted = deployed.counters().canary
    with deployed.visitors() as counts:
        result = deployed.done(
            "canary", COMPONENT, "--env", f"INVENTORY_FAULT={fault}", "--no-load", *options, code=4
        )
    assert deployed.counters().canary == counted
    assert deployed.stable() == before
    assert counts().failures == 0, counts()
    return result


def lived_s(deployed: Deployed) -> float:
    """Return the seconds from the last canary's start to its end, by the record."""
    record = deployed.record()
    begun = events(record, "canary-started")[-1]["time"]
    ended = events(record, "transition")[-1]["time"]
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()


def observed(record: list[dict[str, Any]], step: int | None = None) -> list[Observation]:
    """Return what each poll of the one canary on record said, at one step or at all of them."""
    found, at = [], None
    for line in record:
        if line.get("event") == "step-begun":
            at = line["details"]["step"]
        elif line.get("event") == "observation" and step in {None, at}:
            poll = line["details"]["poll"]
            if "reason" not in poll:  # it said nothing
                found.append(Observation.model_validate(poll))
    return found


def in_total(polls: Iterable[Observation]) -> Observation:
    total = NOTHING
    for poll in polls:
        total = total.plus(poll)
    return total
