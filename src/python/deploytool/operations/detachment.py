"""A canary that goes on by itself: started here, carried on by a process that outlives this one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploytool.canary.machine import Canary
from deploytool.errors import NotReady
from deploytool.operations.canary import CanaryOptions, begun
from deploytool.operations.context import Context

_LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Detached:
    """A canary that another process carries on. log: the file that this process writes to."""

    canary: Canary
    log: str


def detach(
    context: Context, options: CanaryOptions, tool: Path, arguments: Sequence[str]
) -> Detached:
    """Start a canary and leave it to a supervised process.

    tool, arguments: the packaged tool and what resumes a canary with it. Raises NotReady when the
    process does not take the canary over; it is then as one that was interrupted.
    """
    with begun(context, options) as canary:
        pass
    # Freed by now: the lock belongs to whoever carries the canary on.
    log = context.platform.detach(tool, arguments)
    _await_taken_over(context, canary, log)
    return Detached(canary, log)


def _await_taken_over(context: Context, canary: Canary, log: str) -> None:
    store = context.platform.store
    until = context.monotonic() + context.deadline_s
    context.say("waiting", canary.component, reason="a process of its own takes the canary over")
    while store.holder() is None:
        state = store.load()
        if state.canary is None or state.canary.run != canary.run:
            return  # it has come to its end already
        if context.monotonic() > until:
            raise NotReady(
                f"no process has taken the canary over after {context.deadline_s:.0f} s",
                why=f"what it wrote is in {log}",
                note=f"the canary of {canary.component} is left at {canary.position}",
                hint="`deploytool resume` goes on, `deploytool abort` takes it back",
            )
        context.sleep(_LOOK_S)
