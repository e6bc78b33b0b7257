"""Go back to an earlier revision that is still installed, without losing a request."""

from deploytool.canary.machine import Canary
from deploytool.errors import InvalidInput
from deploytool.operations import replacement
from deploytool.operations.context import Context
from deploytool.operations.up import require_rest, start_foundation
from deploytool.record.store import TargetState
from deploytool.system.revision import Revision


def rollback(context: Context, component: str | None, to: str | None) -> Canary:
    """Make an earlier revision stable again: the one named, or the one before the current."""
    if component:
        context.service(component)
    with context.locked() as state:
        require_rest(state)
        name = component or _only_candidate(state)
        revision = _choose(context, state, name, to)
        context.platform.prepare()
        start_foundation(context)
        stable = state.stable[name]
        return replacement.replace(context, stable, revision, f"rollback from {stable.id}")


def _only_candidate(state: TargetState) -> str:
    candidates = [name for name, earlier in state.earlier.items() if earlier]
    if len(candidates) == 1:
        return candidates[0]
    raise InvalidInput(
        "which component to roll back is not clear",
        why=f"{', '.join(candidates) or 'none'} of the components had an earlier revision",
        hint="`deploytool rollback COMPONENT`; `deploytool status` shows the revisions",
    )


def _choose(context: Context, state: TargetState, component: str, to: str | None) -> Revision:
    installed = {revision.id for revision in context.platform.revisions(component)}
    earlier = [each for each in state.earlier.get(component, ()) if each.id in installed]
    found = [revision for revision in earlier if to is None or revision.id.startswith(to)]
    if not found or (to is not None and len(found) > 1):
        wanted = f"to {to}" if to else "anywhere"
        raise InvalidInput(
            f"{component} cannot go back {wanted}",
            why=f"still installed are {', '.join(each.id for each in earlier) or 'none'}",
            hint="choose one of these with --to",
        )
    return found[0]
