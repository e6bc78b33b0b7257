"""A clock that is set decides nothing, and nothing is decided that cannot be recorded or saved."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from deploytool.canary.machine import Canary, Phase
from deploytool.record.file_store import FileStore
from deploytool.record.history import read_canary
from tests.end_to_end.deployed import COMPONENT, consistent, events, until
from tests.end_to_end.local.conftest import Deploytool

PROGRAM = str(Path(__file__).with_name("stepped_clock.py"))
FULL = Path("/dev/full")
CANARY = ("canary", COMPONENT, "--steps", "50", "--no-load", "--output", "json")
HOUR_S = 3600
LEAST_STEP_S = 5


@pytest.fixture(autouse=True)
def nobody_notices(deployed: Deploytool) -> Iterator[None]:
    with deployed.visitors(rate=40) as counts:
        yield
    assert counts().failures == 0, counts()


@pytest.mark.parametrize("seconds", [-HOUR_S, HOUR_S], ids=["back", "forward"])
def test_a_clock_set_during_a_canary_decides_nothing(deployed: Deploytool, seconds: int) -> None:
    with deployed.declared(least_step_s=LEAST_STEP_S):
        ended = deployed.run(
            PROGRAM, str(seconds), *CANARY, "--env", f"TRIAL=clock{seconds}", PEX_INTERPRETER="1"
        )
    assert (ended.code, ended.result["result"]) == (0, "promoted"), str(ended)
    observations = recorded(deployed, ended.result["run"], "observation")
    times = [datetime.fromisoformat(line["time"]).timestamp() for line in observations]
    assert times[1] - times[0] == pytest.approx(seconds, abs=60)
    elapsed_s = [line["details"]["elapsed_at_step_s"] for line in observations]
    assert elapsed_s == sorted(elapsed_s)
    assert LEAST_STEP_S <= elapsed_s[-1] < HOUR_S / 2
    for line in observations:
        assert 0 < line["details"]["poll"]["seconds"] < HOUR_S / 2


def test_a_full_disk_under_the_record_decides_nothing(deployed: Deploytool) -> None:
    log = deployed.root / "logs" / "operations.log"
    kept, full = log.with_name("kept.log"), log.with_name("full.log")

    def fill(_process_id: int) -> None:
        kept.hardlink_to(log)
        full.symlink_to(FULL)
        full.replace(log)

    with interrupted(deployed, fill, lambda: kept.replace(log), named=log) as canary:
        numbers = numbered(deployed, canary.run)
    assert canary.evidence is not None
    assert numbers == list(range(1, canary.evidence.polls + 1))
    # It went on where it was: every poll once, nothing left out.
    numbers = numbered(deployed, canary.run)
    assert numbers == list(range(1, len(numbers) + 1))


def test_on_a_full_disk_abort_brings_visitors_back_and_its_record_comes_back(
    deployed: Deploytool,
) -> None:
    log, before = deployed.root / "logs" / "operations.log", deployed.stable()
    held = deployed.done(*CANARY, "--hold", "--env", "TRIAL=aborted", code=5)
    kept, full = log.with_name("kept.log"), log.with_name("full.log")
    kept.hardlink_to(log)
    full.symlink_to(FULL)
    full.replace(log)
    try:
        assert deployed.status()["weights"] == {COMPONENT: 50}
        aborted = deployed.run("abort", "--output", "json")
        assert deployed.status()["weights"] == {}
    finally:
        kept.replace(log)
    assert (aborted.code, aborted.result["result"]) == (0, "rolled-back"), str(aborted)
    elsewhere = deployed.state / "operations.log"
    assert f"this command is on record in {elsewhere}" in aborted.errors
    assert deployed.stable() == before
    consistent(deployed)
    assert not elsewhere.exists()
    assert deployed.done("replay", held["run"])["outcome"] == "rolled-back"


def test_a_full_disk_under_the_state_decides_nothing(deployed: Deploytool) -> None:
    def fill(process_id: int) -> None:
        # Where the next state is written before it takes the place of the one before.
        until(
            lambda: made_link(deployed.state / f".state.json.{process_id}.tmp"),
            what="the next state has no place",
        )

    # Its place is given up with the failure.
    state = deployed.state / "state.json"
    with interrupted(deployed, fill, lambda: None, named=state) as canary:
        numbers = numbered(deployed, canary.run)
    assert canary.evidence is not None
    # The poll that could not be saved is on record, and void.
    assert numbers[-1] == canary.evidence.polls + 1
    begun = recorded(deployed, canary.run, "step-begun")[-1]
    assert begun["details"]["polls"] == canary.evidence.polls


@contextmanager
def interrupted(
    deployed: Deploytool, fill: Callable[[int], None], free: Callable[[], object], named: Path
) -> Iterator[Canary]:
    """Let a canary find the disk full while it is observed: it must end, and decide nothing.

    The block sees what was left; after it the canary is resumed, and promoted.
    """
    process = deployed.start(*CANARY, "--env", f"TRIAL={named.name}")
    until(lambda: polls(deployed) > 1, what="the canary is observed")
    fill(process.pid)
    try:
        ended = deployed.ended(process)
    finally:
        free()
    assert ended.code == 1, str(ended)
    for word in (str(named), "o space left on"):
        assert word in ended.errors, str(ended)
    canary = FileStore(deployed.state).load().canary
    assert canary is not None
    assert (canary.phase, canary.step, canary.weight) == (Phase.OBSERVING, 0, 50)
    assert deployed.status()["weights"] == {COMPONENT: 50}
    yield canary
    assert deployed.done("resume", "--no-load")["result"] == "promoted"
    assert deployed.stable() == canary.canary.id
    deployed.done("replay", canary.run)


def made_link(path: Path) -> bool:
    try:
        path.symlink_to(FULL)
    except FileExistsError:
        return False
    return True


def polls(deployed: Deploytool) -> int:
    """Return how many polls the saved evidence of a canary under way has taken in."""
    canary = FileStore(deployed.state).load().canary
    return canary.evidence.polls if canary and canary.evidence else 0


def numbered(deployed: Deploytool, run: str) -> list[int]:
    """Return the numbers of the polls on record."""
    return [line["details"]["number"] for line in recorded(deployed, run, "observation")]


def recorded(deployed: Deploytool, run: str, event: str) -> list[dict[str, Any]]:
    lines = read_canary(deployed.root / "logs" / "operations.log", run).lines
    return events(list(lines), event)
