"""Ways through the machine on which deploytool is killed again and again, until nothing is left.

The transitions are those of the machine itself; each is reached by the commands that a person has.
"""

from itertools import pairwise, product
from typing import NamedTuple

from deploytool.canary.machine import Canary, Event, IllegalEvent, Phase, advance
from deploytool.system.revision import Revision
from tests.end_to_end.deployed import COMPONENT

# Its canaries never get time enough to be judged, so they are held.
HURRIED = "legacy-app"
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
Walk = tuple[Step, ...]
# Each one replacement: a command and where it is killed or how it ends, until nothing is left.
# Killed right after any transition, a replacement is resumed ...
RESUMED: tuple[Walk, ...] = (
    (
        ("canary", BEGIN),
        ("resume", OBSERVE),
        ("resume", STEP),
        ("resume", PASS),
        ("resume", REPLACE),
        ("resume", RETURN),
        ("resume", CLEAN),
        ("resume", END_PROMOTED),
        # Contract migrations and the look at the data are left.
        ("resume", PROMOTED),
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
    (("rollback", TAKE_OVER), ("resume", REPLACE), ("abort", RESTORE), ("resume", FAILED)),
    (("rollback", RETURN), ("abort", RESTORE_REPLACED), ("resume", FAILED)),
    (("canary", OBSERVE), ("promote", PROMOTE), ("resume", PROMOTED)),
    (("canary", BEGIN), ("abort", GIVE_UP), ("resume", FAILED)),
    (("canary", OBSERVE), ("abort", ABORT), ("resume", FAILED)),
)
# ... or taken back.
ABORTED: tuple[Walk, ...] = (
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
# Killed right before, it is as if it had been killed somewhere in the phase that it was in.
KILLED_BEFORE: tuple[Walk, ...] = (
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


def followed_by(command: str, walks: tuple[Walk, ...]) -> set[Transition]:
    """Return the transitions after which walks go on with a command."""
    return {
        end
        for walk in walks
        for (_, end), (next_command, _) in pairwise(walk)
        if next_command == command and isinstance(end, Transition)
    }


def name(walk: Walk) -> str:
    """Return what a test on the walk is called."""
    return "-".join(
        f"{command}-{end.after}" if isinstance(end, Transition) else command
        for command, end in walk
    )
