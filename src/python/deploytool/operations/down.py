"""Stop everything on the target."""

from deploytool.canary.machine import Canary
from deploytool.operations.context import Context


def down(context: Context, *, remove_volumes: bool) -> Canary | None:
    """End every process of the target; with remove_volumes, delete what it keeps as well.

    A canary that is held, was interrupted or goes on detached ends with it, and is returned: what
    is stable stays recorded and comes back with `up`.
    """
    context.platform.end_detached()  # it holds the lock
    with context.locked() as state:
        if (canary := state.canary) is not None:
            subject = f"{canary.component} {canary.canary.id}"
            reason = f"its canary, run {canary.run}, is {canary.phase}, and ends with the target"
            context.say("note", subject, reason=reason)
        with context.timed("stopped", context.target, action="down"):
            context.platform.down(remove_volumes=remove_volumes, deadline_s=context.deadline_s)
        if not remove_volumes and canary is not None:
            context.platform.store.save(state.model_copy(update={"canary": None}))
        return canary
