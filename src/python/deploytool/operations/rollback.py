"""Go back to an earlier revision that is still installed, without losing a request."""

from collections.abc import Sequence

from deploytool.canary.machine import Canary
from deploytool.errors import DeployError, InvalidInput
from deploytool.operations import migrations, replacement
from deploytool.operations.admission import admit_revision
from deploytool.operations.context import Context
from deploytool.operations.up import prepare, require_foundation, require_rest
from deploytool.record.store import TargetState
from deploytool.system.revision import Revision


def rollback(context: Context, component: str | None, to: str | None) -> Canary:
    """Make an earlier revision stable again: the one named, or the latest that is not in doubt.

    One that was rolled back from, or judged bad, has to be named. Raises InvalidInput when there is
    none, DeployError when a contract migration took away what it may use.
    """
    if component:
        context.service(component)
    with context.locked() as state:
        require_rest(state)
        name = component or _only_candidate(state)
        revision = _choose(context, state, name, to)
        admit_revision(context, revision)
        prepare(context, revision)
        require_foundation(context)
        _require_its_schema(context, state, revision)
        stable = state.stable[name]
        reason = f"rollback from {stable.id}"
        return replacement.replace(context, stable, revision, reason, is_rollback=True)


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
    if to is None:
        return _latest(context, state, component, earlier)
    found = [revision for revision in earlier if to and revision.id.startswith(to)]
    if len(found) != 1:
        raise InvalidInput(
            f"{component} cannot go back to {to!r}",
            why=f"still installed are {', '.join(each.id for each in earlier) or 'none'}",
            hint="choose one of these with --to",
        )
    return found[0]


def _latest(
    context: Context, state: TargetState, component: str, earlier: Sequence[Revision]
) -> Revision:
    """Return the latest earlier revision that is not in doubt; tell which ones are passed over."""
    doubts = {each.id: state.doubted[each.id] for each in earlier if each.id in state.doubted}
    reasons = "; ".join(f"{name}: {why}" for name, why in doubts.items())
    for revision in earlier:
        if revision.id not in doubts:
            if reasons:
                context.say("note", component, reason=f"not back to {reasons}")
            return revision
    if not earlier:
        raise InvalidInput(
            f"{component} cannot go back anywhere",
            why="no earlier revision of it is still installed",
            hint="`deploytool status` shows what there is",
        )
    raise InvalidInput(
        f"to which revision {component} shall go back has to be said",
        why=reasons,
        hint=f"`deploytool rollback {component} --to {earlier[0].id}` goes back there all the same",
    )


def _require_its_schema(context: Context, state: TargetState, revision: Revision) -> None:
    past = migrations.cut_off(context, state).get(revision.id)
    if past:
        component = revision.component
        raise DeployError(
            f"{component} cannot go back to {revision.id}",
            why=f"contract migration {', '.join(past)} took away what it may still use",
            note=f"{state.stable[component].id} serves all requests, as before",
            hint=f"go forward: correct {component} and run `deploytool canary {component}`",
        )
