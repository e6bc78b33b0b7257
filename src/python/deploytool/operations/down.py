"""Stop everything on the target."""

from deploytool.operations.context import Context


def down(context: Context, *, remove_volumes: bool) -> None:
    """End every process of the target; with remove_volumes, delete what it keeps as well.

    A canary that is held, was interrupted or goes on detached ends with it: what is stable stays
    recorded and comes back with `up`.
    """
    context.platform.end_detached()  # it holds the lock
    with context.locked() as state:
        with context.timed("stopped", context.target, action="down"):
            context.platform.down(remove_volumes=remove_volumes, deadline_s=context.deadline_s)
        if not remove_volumes and state.canary is not None:
            context.platform.store.save(state.model_copy(update={"canary": None}))
