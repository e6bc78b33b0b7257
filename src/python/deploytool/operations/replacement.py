"""Carries out the canary state machine: records and saves the phase, acts, goes on to the next.

Updates without evidence, canaries, promotions, aborts and rollbacks all go this one way. Killed at
any point, it goes on from the phase that was saved: every action may be repeated.
"""

import math
from collections.abc import Callable

from deploytool.canary.machine import ACTIONS, ENDS, Action, Canary, Event, Phase, advance
from deploytool.errors import DeployError, NotReady
from deploytool.operations.context import Context
from deploytool.operations.observation import Outcome, learn_stable, observe, tell_continued
from deploytool.operations.patience import once_answered
from deploytool.operations.readiness import await_ready, smoke
from deploytool.operations.steering import Asked, heed
from deploytool.operations.view import CanaryView
from deploytool.operations.weight import NotStarted, give_weight, require_answer, set_weight
from deploytool.platforms.base import Role
from deploytool.record import event as record
from deploytool.record.store import TargetState
from deploytool.system.revision import Revision

# Two equal readings of stable's counter this far apart mean that no new request reaches it.
_QUIET_S = 0.3
_ALL = 100
# Revisions of a component that rollback can go back to.
_REMEMBERED = 5


def replace(
    context: Context,
    stable: Revision,
    revision: Revision,
    reason: str,
    *,
    is_rollback: bool = False,
) -> Canary:
    """Replace stable by the revision without losing a request and without asking for evidence.

    is_rollback: nobody goes back to stable unasked. Raises NotReady when the revision does not
    become ready; stable then serves as before.
    """
    canary = Canary(
        run=context.run,
        component=revision.component,
        stable=stable,
        canary=revision,
        steps=(),
        reason=reason,
        since=context.now(),
        is_rollback=is_rollback,
    )
    ended = carry_on(context, canary)
    if ended.phase is not Phase.PROMOTED:
        raise NotReady(
            f"{revision.component} {revision.id} did not replace {stable.id}",
            why=ended.decision,
            note=f"{stable.id} serves all requests, as before",
            hint=f"see `deploytool logs {revision.component}`",
        )
    return ended


def carry_on(context: Context, canary: Canary) -> Canary:
    """Go on from the canary's phase to an end, or until a person has to decide.

    An error of the platform leaves the canary in its phase, and says so.
    """
    save(context, canary)
    if context.run != canary.run and canary.phase is Phase.OBSERVING:
        tell_continued(context, canary)
    while canary.phase not in ENDS and canary.phase is not Phase.HELD:
        try:
            outcome = _carry_out(context, canary)
        except DeployError as error:
            error.note = error.note or (
                f"the canary of {canary.component} is left at {canary.position}: "
                "`deploytool resume` goes on, `deploytool abort` takes it back"
            )
            raise
        canary = move(context, outcome.canary, outcome.event, outcome.reason)
    return canary


def move(context: Context, canary: Canary, event: Event, reason: str) -> Canary:
    """Record and save the transition that the event makes: what is not on record is not done."""
    before = canary
    canary = advance(canary, event, reason, context.now())
    context.emit(
        record.Event(
            "transition",
            object=f"{canary.component} {canary.canary.id}",
            action=f"{before.position} -> {canary.position}",
            result=canary.phase,
            reason=reason,
            details={"canary_run": canary.run, "weight": canary.weight},
            view=CanaryView.of(canary, context.now()),
        )
    )
    save(context, canary)
    return canary


def save(context: Context, canary: Canary) -> None:
    """Keep the canary in the target's state; at its end also what it means for the component."""
    state = context.platform.store.load()
    if canary.phase not in ENDS:
        context.platform.store.save(state.model_copy(update={"canary": canary}))
        return
    ended = canary.model_copy(update={"evidence": None})
    update: dict[str, object] = {"canary": None, "ended": ended}
    if canary.phase is Phase.PROMOTED:
        name = canary.component
        earlier = [canary.stable, *state.earlier.get(name, ())]
        kept = [revision for revision in earlier if revision.id != canary.canary.id]
        unique = tuple({revision.id: revision for revision in reversed(kept)}.values())[::-1]
        state = state.with_stable(ended)
        # It serves with the database as it is now, whatever a migration was thought to take away.
        update["cut_off"] = {
            migration: tuple(each for each in ids if each != canary.canary.id)
            for migration, ids in state.cut_off.items()
        }
        update["earlier"] = {**state.earlier, name: unique[:_REMEMBERED]}
    after = state.model_copy(update=update)
    if canary.phase is Phase.PROMOTED and canary.is_rollback:
        # This target went back from a release: no other target is to take that release after it.
        after = after.without_promoted(canary.stable)
    doubted = _doubted(after, canary)
    context.platform.store.save(after.model_copy(update={"doubted": doubted}))


def _doubted(state: TargetState, ended: Canary) -> dict[str, str]:
    """Return the earlier revisions that nobody goes back to unasked, each with the reason."""
    doubted = dict(state.doubted)
    if ended.phase is Phase.PROMOTED:
        doubted.pop(ended.canary.id, None)
        if ended.is_rollback:
            doubted[ended.stable.id] = f"it was rolled back from in run {ended.run}"
    elif ended.is_judged_bad:
        doubted[ended.canary.id] = f"it was judged bad in run {ended.run}"
    earlier = {revision.id for revisions in state.earlier.values() for revision in revisions}
    return {name: why for name, why in doubted.items() if name in earlier}


def _carry_out(context: Context, canary: Canary) -> Outcome:
    """Do what the phase names, or so much of it until a person decides otherwise."""
    try:
        heed(context, canary)
        outcome = _do(context, canary)
        # A wish may have come during the last action; the phase can still follow it.
        if outcome.event is Event.DONE:
            heed(context, outcome.canary)
        return outcome
    except Asked as asked:
        return Outcome(asked.canary, asked.event, asked.reason)


def _do(context: Context, canary: Canary) -> Outcome:
    for action in ACTIONS[canary.phase]:
        if action is Action.LEARN_STABLE:
            canary = learn_stable(context, canary)
            continue
        if action is Action.OBSERVE:
            return observe(context, canary)
        try:
            canary = _PERFORM[action](context, canary) or canary
        except NotReady as error:
            # A canary that does not go away is no evidence, and there is no other way to go.
            if canary.phase in {Phase.ABORTING, Phase.CLEANING}:
                raise
            # Whatever is not ready here runs the revision under trial, or is stable going back,
            # for which there is nothing left to go back to.
            if canary.phase is Phase.RESTORING:
                # A canary that cannot serve everything is no cover: stable goes back without.
                if action is Action.SET_FULL_WEIGHT:
                    continue
                raise
            reason = f"{error.what}: {error.why}"
            is_bad = not isinstance(error, NotStarted)
            judged = canary.model_copy(update={"is_judged_bad": is_bad})
            return Outcome(judged, Event.ABORT, reason)
    return Outcome(canary, Event.DONE, _DONE[canary.phase])


def _start(context: Context, revision: Revision, role: Role) -> None:
    subject = f"{revision.component} {role} {revision.id}"
    with context.timed("started", subject, action="start"):
        context.platform.start(revision, role)


def _set_full_weight(context: Context, canary: Canary) -> Canary:
    if canary.phase is Phase.RESTORING:
        # Stable may be down: it is not to wait for a canary that cannot stand in for it.
        require_answer(context, canary)
        set_weight(context, canary, _ALL)
        return canary
    return give_weight(context, canary, _ALL)


def _await_canary(context: Context, canary: Canary) -> None:
    await_ready(context, canary.component, Role.CANARY, lambda: heed(context, canary))


def _await_stable(context: Context, canary: Canary) -> None:
    await_ready(context, canary.component, Role.STABLE, lambda: heed(context, canary))


def _drain_stable(context: Context, canary: Canary) -> None:
    """Wait until no new request reaches stable; those in flight end when it is stopped."""
    platform, component = context.platform, canary.component
    weight, _ = once_answered(
        context, component, lambda: platform.weight(component), lambda: heed(context, canary)
    )
    if weight < _ALL:
        return  # no canary could take the requests over: they go on coming
    limit = context.monotonic() + context.service(component).drain_s
    seen, at = -1, -math.inf
    while context.monotonic() < limit:
        snapshot, _ = once_answered(
            context, component, lambda: platform.observe(component), lambda: heed(context, canary)
        )
        # Counters that were not read anew since say nothing about what still comes.
        if snapshot.taken_at > at:
            count = snapshot.stable.answered
            if count == seen:
                return
            seen, at = count, snapshot.taken_at
        heed(context, canary)
        context.sleep(_QUIET_S)


def _stop_canary(context: Context, canary: Canary) -> None:
    with context.timed("stopped", f"{canary.component} canary", action="drain-and-stop"):
        context.platform.stop(canary.component, Role.CANARY)


# Those that learn something of the canary return it.
_PERFORM: dict[Action, Callable[[Context, Canary], Canary | None]] = {
    Action.START_CANARY: lambda context, canary: _start(context, canary.canary, Role.CANARY),
    Action.AWAIT_CANARY: _await_canary,
    Action.SMOKE_CANARY: lambda context, canary: smoke(
        context, canary.component, Role.CANARY, canary.canary.id
    ),
    Action.SET_STEP_WEIGHT: lambda context, canary: give_weight(
        context, canary, canary.steps[canary.step]
    ),
    Action.SET_FULL_WEIGHT: _set_full_weight,
    Action.DRAIN_STABLE: _drain_stable,
    Action.START_NEW_STABLE: lambda context, canary: _start(context, canary.canary, Role.STABLE),
    Action.START_OLD_STABLE: lambda context, canary: _start(context, canary.stable, Role.STABLE),
    Action.AWAIT_STABLE: _await_stable,
    Action.VERIFY_STABLE: lambda context, canary: smoke(
        context, canary.component, Role.STABLE, canary.canary.id
    ),
    Action.SET_ZERO_WEIGHT: lambda context, canary: set_weight(context, canary, 0),
    Action.STOP_CANARY: _stop_canary,
}

_DONE = {
    Phase.STARTING: "the canary is ready and answers its smoke requests",
    Phase.PROMOTING: "the canary serves every request",
    Phase.REPLACING: "stable runs the canary's revision and is verified",
    Phase.RETURNING: "stable serves every request again",
    Phase.CLEANING: "the canary is drained and removed",
    Phase.RESTORING: "stable runs its earlier revision again",
    Phase.ABORTING: "the canary is drained and removed, stable serves every request",
}
