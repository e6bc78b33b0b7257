"""Killed at any transition, a replacement can be resumed and taken back; no visitor notices.

The transitions are those of the machine itself. Each is reached by the commands that a person has;
`killed.py` dies by SIGKILL right after the save that makes it, or right before.
"""

import signal
from collections.abc import Callable, Iterator
from itertools import pairwise, product
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from deploytool.canary.machine import ENDS, Canary, Event, IllegalEvent, Phase, advance
from deploytool.record.file_store import FileStore
from deploytool.record.store import TargetState
from deploytool.system.revision import Revision
from deploytool.traffic.load.counts import LoadCounts
from tests.end_to_end.deployed import ALPHA, COMPONENT, events
from tests.end_to_end.local.conftest import Deploytool

PROGRAM = str(Path(__file__).with_name("killed.py"))
# Its canaries never get time enough to be judged, so they are held.
HURRIED = "legacy-app"
QUICK = {
    "steps": [30, 50],
    "alpha": ALPHA,
    "tolerance": 0.2,
    "poll_s": 0.2,
    "warm_up_s": 0.2,
    "least_step_s": 0.5,
}
POLICIES = {
    COMPONENT: QUICK,
    HURRIED: {**QUICK, "tolerance": 0.0001, "step_deadline_s": 1.5},
}
COMMANDS = {
    "canary": ("canary", COMPONENT, "--env", "TRIAL={}", "--no-load"),
    "canary-hold": ("canary", COMPONENT, "--env", "TRIAL={}", "--no-load", "--hold"),
    "canary-hurried": ("canary", HURRIED, "--env", "TRIAL={}", "--no-load"),
    "rollback": ("rollback", COMPONENT),
    "resume": ("resume", "--no-load"),
    "promote": ("promote",),
    "abort": ("abort",),
}


class Transition(NamedTuple):
    """Where a command is killed; before is None where a replacement begins."""

    before: Phase | None
    event: Event | None
    after: Phase


BEGIN = Transition(None, None, Phase.STARTING)
OBSERVE = Transition(Phase.STARTING, Event.DONE, Phase.OBSERVING)
TAKE_OVER = Transition(Phase.STARTING, Event.DONE, Phase.PROMOTING)
GIVE_UP = Transition(Phase.STARTING, Event.ABORT, Phase.ABORTING)
STEP = Transition(Phase.OBSERVING, Event.ADVANCE, Phase.OBSERVING)
PASS = Transition(Phase.OBSERVING, Event.ADVANCE, Phase.PROMOTING)
PASS_AND_HOLD = Transition(Phase.OBSERVING, Event.ADVANCE, Phase.HELD)
TIME_OUT = Transition(Phase.OBSERVING, Event.HOLD, Phase.HELD)
PROMOTE = Transition(Phase.OBSERVING, Event.PROMOTE, Phase.PROMOTING)
ABORT = Transition(Phase.OBSERVING, Event.ABORT, Phase.ABORTING)
RESUME_HELD = Transition(Phase.HELD, Event.RESUME, Phase.OBSERVING)
PROMOTE_HELD = Transition(Phase.HELD, Event.PROMOTE, Phase.PROMOTING)
ABORT_HELD = Transition(Phase.HELD, Event.ABORT, Phase.ABORTING)
REPLACE = Transition(Phase.PROMOTING, Event.DONE, Phase.REPLACING)
RESTORE_UNTOUCHED = Transition(Phase.PROMOTING, Event.ABORT, Phase.RESTORING)
RETURN = Transition(Phase.REPLACING, Event.DONE, Phase.RETURNING)
RESTORE = Transition(Phase.REPLACING, Event.ABORT, Phase.RESTORING)
CLEAN = Transition(Phase.RETURNING, Event.DONE, Phase.CLEANING)
RESTORE_REPLACED = Transition(Phase.RETURNING, Event.ABORT, Phase.RESTORING)
END_PROMOTED = Transition(Phase.CLEANING, Event.DONE, Phase.PROMOTED)
RESTORED = Transition(Phase.RESTORING, Event.DONE, Phase.ABORTING)
END_ROLLED_BACK = Transition(Phase.ABORTING, Event.DONE, Phase.ROLLED_BACK)

# How a command ends that is not killed, and its exit code.
HELD = "held", 5
PROMOTED = "promoted", 0
ROLLED_BACK = "rolled-back", 0
FAILED = "rolled-back", 1  # `resume` finished what `abort` began
REFUSED = "there is no canary", 1
TOO_LATE = "too late to abort", 1

Step = tuple[str, Transition | tuple[str, int]]
# Each one replacement: a command and where it is killed or how it ends, until nothing is left.
KILLED_AFTER: tuple[tuple[Step, ...], ...] = (
    (
        ("canary", BEGIN),
        ("resume", OBSERVE),
        ("resume", STEP),
        ("resume", PASS),
        ("resume", REPLACE),
        ("resume", RETURN),
        ("resume", CLEAN),
        ("resume", END_PROMOTED),
        ("resume", REFUSED),
    ),
    (
        ("canary-hold", PASS_AND_HOLD),
        ("resume", RESUME_HELD),
        ("resume", HELD),
        ("promote", PROMOTE_HELD),
        ("resume", PROMOTED),
    ),
    (("canary-hurried", TIME_OUT), ("resume", HELD), ("abort", ABORT_HELD), ("resume", FAILED)),
    (
        ("rollback", TAKE_OVER),
        ("abort", RESTORE_UNTOUCHED),
        ("resume", RESTORED),
        ("resume", END_ROLLED_BACK),
        ("resume", REFUSED),
    ),
    (("rollback", TAKE_OVER), ("resume", PROMOTED)),
    (("rollback", REPLACE), ("abort", RESTORE), ("resume", FAILED)),
    (("rollback", RETURN), ("abort", RESTORE_REPLACED), ("resume", FAILED)),
    (("canary", OBSERVE), ("promote", PROMOTE), ("resume", PROMOTED)),
    (("canary", BEGIN), ("abort", GIVE_UP), ("resume", FAILED)),
    (("canary", OBSERVE), ("abort", ABORT), ("resume", FAILED)),
    (("canary", STEP), ("abort", ABORT), ("abort", ROLLED_BACK)),
    (
        ("canary", PASS),
        ("abort", RESTORE_UNTOUCHED),
        ("abort", RESTORED),
        ("abort", END_ROLLED_BACK),
        ("abort", REFUSED),
    ),
    (("canary", BEGIN), ("abort", GIVE_UP), ("abort", ROLLED_BACK)),
    (("canary", OBSERVE), ("promote", PROMOTE), ("abort", ROLLED_BACK)),
    (("canary-hold", PASS_AND_HOLD), ("abort", ABORT_HELD), ("abort", ROLLED_BACK)),
    (("canary-hurried", TIME_OUT), ("abort", ROLLED_BACK)),
    (("canary-hold", HELD), ("resume", RESUME_HELD), ("abort", ROLLED_BACK)),
    (("canary-hold", HELD), ("promote", PROMOTE_HELD), ("abort", ROLLED_BACK)),
    (("rollback", REPLACE), ("abort", RESTORE), ("abort", ROLLED_BACK)),
    (("rollback", RETURN), ("abort", RESTORE_REPLACED), ("abort", ROLLED_BACK)),
    (("rollback", CLEAN), ("abort", TOO_LATE)),
    (("rollback", END_PROMOTED), ("abort", REFUSED)),
)
KILLED_BEFORE: tuple[tuple[Step, ...], ...] = (
    (
        ("canary", OBSERVE),
        ("resume", STEP),
        ("resume", PASS),
        ("resume", REPLACE),
        ("resume", RETURN),
        ("resume", CLEAN),
        ("resume", END_PROMOTED),
        ("resume", PROMOTED),
    ),
    (("canary", STEP), ("abort", ABORT), ("abort", END_ROLLED_BACK), ("abort", ROLLED_BACK)),
    (("rollback", RETURN), ("abort", RESTORE), ("abort", ROLLED_BACK)),
    (
        ("rollback", CLEAN),
        ("abort", RESTORE_REPLACED),
        ("abort", RESTORED),
        ("resume", END_ROLLED_BACK),
        ("resume", FAILED),
    ),
)


def transitions() -> set[Transition]:
    """Return all that the machine makes: what changes neither phase nor step is none."""
    found = set()
    revision = Revision(component="service", id="a", artifact="a", environment={})
    for phase, event, steps, is_held_at_end, step in product(
        Phase, Event, [(), (30,), (30, 50)], [False, True], [0, 1]
    ):
        canary = Canary(
            run="r", component="service", stable=revision, canary=revision, steps=steps,
            phase=phase, step=step, since=0.0, is_held_at_end=is_held_at_end,
        )  # fmt: skip
        try:
            after = advance(canary, event, "why", 1.0)
        except IllegalEvent:
            continue
        if (after.phase, after.step) != (phase, step):
            found.add(Transition(phase, event, after.phase))
    return found


@pytest.mark.parametrize("command", ["resume", "abort"])
def test_every_transition_of_the_machine_is_followed_by_each_command(command: str) -> None:
    followed = {
        end
        for walk in KILLED_AFTER
        for (_, end), (next_command, _) in pairwise(walk)
        if next_command == command
    }
    assert transitions() | {BEGIN} <= followed


class Target:
    """A deployed system whose canaries are quick, and the deploytool that is killed on it."""

    def __init__(self, tool: Deploytool) -> None:
        self.tool = tool
        self._trial = 0

    @property
    def state(self) -> TargetState:
        return FileStore(self.tool.state).load()

    def kill(self, command: str, transition: Transition, moment: str) -> None:
        """Run a command that is killed right before or after it saves the transition."""
        before, _, after = transition
        arguments = [PROGRAM, moment, before or "none", after, *self._arguments(command)]
        ended = self.tool.run(*arguments, PEX_INTERPRETER="1")
        assert ended.code == -signal.SIGKILL, str(ended)
        phase = after if moment == "after" else before
        canary = self.state.canary
        assert (canary.phase if canary else None) == (None if phase in ENDS else phase)
        if moment == "before":  # the record is ahead: nothing is done that is not on it
            assert events(self.tool.record(), "transition")[-1]["result"] == after

    def run(self, command: str, word: str, code: int) -> None:
        """Run a command to its end: it must exit with the code, and say the word."""
        ended = self.tool.run(*self._arguments(command), "--output", "json")
        assert ended.code == code, str(ended)
        assert word in ended.output + ended.errors, str(ended)

    def tells_what_was_interrupted(self) -> None:
        told = self.tool.run("status").output
        canary = self.state.canary
        if canary is None:
            assert "canary of" not in told
            return
        words = [
            f"canary of {canary.component}: {canary.canary.id} against stable {canary.stable.id}",
            "held: " if canary.phase is Phase.HELD else "interrupted: ",
            "deploytool resume",
            "deploytool abort",
        ]
        if canary.phase is Phase.OBSERVING:
            words.append(f"step {canary.step + 1}/{len(canary.steps)}: {canary.weight} %")
        assert [word for word in words if word not in told] == [], told

    def is_at_rest(self, component: str, revision: str) -> None:
        """See that the revision is stable, serves everything, and runs alone."""
        assert self.state.canary is None
        assert self.state.stable[component].id == revision
        with self.tool.router() as router:
            assert router.canary_percent(component, None) == 0
        running = [
            process.environ()["SERVICE_REVISION"]
            for process in self.tool.processes()
            if "SERVICE_REVISION" in process.environ()
        ]
        assert sorted(running) == sorted(each.id for each in self.state.stable.values())

    def _arguments(self, command: str) -> list[str]:
        """Fill in a trial of its own for each canary: a revision that never was."""
        self._trial += 1
        return [word.format(self._trial) for word in COMMANDS[command]]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    tool = Deploytool(tmp_path_factory.mktemp("matrix") / "repository")
    tool.make()
    declaration = tool.root / "deploy" / "system.yaml"
    system = yaml.safe_load(declaration.read_text())
    for component, policy in POLICIES.items():
        system["components"][component]["canary"] = policy
    declaration.write_text(yaml.safe_dump(system, sort_keys=False))
    try:
        tool.done("up")
        # Something to go back to, and enough requests to know how fast stable is.
        tool.done("canary", COMPONENT, "--env", "TRIAL=first", "--load", "80")
        yield Target(tool)
        assert tool.done("verify")["failed"] == 0
    finally:
        ended = tool.run("down", "--volumes", "--yes")
    assert ended.code == 0, str(ended)
    assert tool.processes() == []


@pytest.fixture(scope="module")
def visitors(target: Target) -> Iterator[Callable[[], LoadCounts]]:
    with target.tool.visitors(rate=30) as counts:
        yield counts
        assert counts().requests > 0


@pytest.fixture(autouse=True)
def nobody_notices(target: Target, visitors: Callable[[], LoadCounts]) -> Iterator[None]:
    before = visitors().failures
    yield
    if target.state.canary is not None:  # a test failed: leave the next one a target at rest
        target.tool.run("abort")
    assert visitors().failures == before, visitors()


def name(walk: tuple[Step, ...]) -> str:
    return "-".join(
        f"{command}-{end.after}" if isinstance(end, Transition) else command
        for command, end in walk
    )


@pytest.mark.parametrize("walk", KILLED_AFTER, ids=name)
def test_killed_after_a_transition(target: Target, walk: tuple[Step, ...]) -> None:
    go(target, walk, "after")


@pytest.mark.parametrize("walk", KILLED_BEFORE, ids=name)
def test_killed_before_a_transition(target: Target, walk: tuple[Step, ...]) -> None:
    go(target, walk, "before")


def test_what_every_killed_canary_decided_can_be_computed_again(target: Target) -> None:
    target.tool.replay()


def go(target: Target, walk: tuple[Step, ...], moment: str) -> None:
    stable = target.state.stable
    for command, end in walk:
        if isinstance(end, Transition):
            target.kill(command, end, moment)
            target.tells_what_was_interrupted()
        else:
            target.run(command, *end)
    last = events(target.tool.record(), "transition")[-1]
    component, canary = last["object"].split()
    is_promoted = last["result"] == Phase.PROMOTED
    target.is_at_rest(component, canary if is_promoted else stable[component].id)
