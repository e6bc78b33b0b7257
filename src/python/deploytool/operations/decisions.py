"""What a person decides about a canary: one that runs elsewhere, is held or was interrupted."""

from collections.abc import Sequence

from deploytool.canary.machine import Canary, Event, Phase
from deploytool.errors import DeployError
from deploytool.operations import replacement
from deploytool.operations.conclusion import CanaryResult, complete, conclude, finish, judged
from deploytool.operations.context import Context
from deploytool.operations.load import Traffic
from deploytool.operations.steering import Elsewhere, Wanted, asked_for, steer
from deploytool.operations.up import require_foundation
from deploytool.record.store import TargetState
from deploytool.version import VERSION


def promote(context: Context) -> CanaryResult:
    """Make the canary stable without more evidence."""

    def here(state: TargetState) -> CanaryResult:
        canary = _begin(context, state)
        _require_promotable(canary)
        if canary.phase in {Phase.OBSERVING, Phase.HELD}:
            canary = replacement.move(context, canary, Event.PROMOTE, _by(context, "promote"))
        return _end(context, canary)

    return _result(steer(context, "promote", _require_promotable, here))


def abort(context: Context) -> CanaryResult:
    """Send everything to stable, then drain and remove the canary.

    Raises DeployError, telling what happened instead, when it is stable already.
    """
    found = steer(context, "abort", _allow, lambda state: _abort(context, state))
    result = _result(found)
    ended = result.canary
    if ended.phase is not Phase.PROMOTED:
        return result
    asked_in = found.asked_in if isinstance(found, Elsewhere) else Phase.CLEANING
    raise DeployError(
        f"too late to abort: {ended.component} {ended.canary.id} is stable",
        why="stable was replaced and verified before"
        if asked_in is Phase.CLEANING
        else f"abort was asked for in {asked_in}, and before that was seen it was promoted: "
        f"{ended.decision}",
        note="the promotion was finished; nothing is left half done",
        hint=f"`deploytool rollback {ended.component}` goes back to {ended.stable.id}",
    )


def supersede(context: Context, components: Sequence[str]) -> None:
    """End the canary that there is, wherever it runs, so that another one can start.

    components: what the other one may need the current build of. Raises InvalidInput when there
    is none of it; the canary then goes on.
    """
    for name in components:
        context.built(name)
    store = context.platform.store
    if store.load().canary is None and store.holder() is None:
        return
    steer(
        context,
        "abort",
        _allow,
        lambda state: _abort(context, state) if state.canary is not None else None,
    )


def resume(context: Context, wanted: Traffic) -> CanaryResult:
    """Go on from where an interrupted canary stands, with the evidence it had.

    The time of a step begins afresh: nothing was observed during the interruption. One that was
    promoted already is completed: what comes after a promotion is done.
    Raises DeployError when the evidence cannot be read: evidence that began anew half way would
    have known stable only beside the canary, and the chance of a wrong verdict twice.
    """
    with context.locked() as state:
        if (completed := _completed(context, state, wanted)) is not None:
            return completed
        if state.canary is not None and state.canary.is_evidence_lost:
            raise _lost(state.canary)
        canary = _begin(context, state)
        if canary.phase is Phase.HELD:
            canary = replacement.move(context, canary, Event.RESUME, "resume was asked for")
        canary = canary.model_copy(update={"since": context.now()})
        return judged(context, canary, wanted)


def _completed(context: Context, state: TargetState, wanted: Traffic) -> CanaryResult | None:
    if state.canary is not None or state.concluding is None:
        return None
    context.platform.prepare()
    require_foundation(context)
    return complete(context, wanted)


def _lost(canary: Canary) -> DeployError:
    return DeployError(
        f"the evidence about the canary of {canary.component} cannot be read",
        why=f"run {canary.run} began with another version of deploytool than {VERSION}",
        note="nothing was changed",
        hint="resume it with that version; or `deploytool abort` takes it back, "
        "`deploytool promote` makes it stable without more evidence",
    )


def _abort(context: Context, state: TargetState) -> CanaryResult:
    canary = _begin(context, state)
    # In the cleaning the canary is stable already: that is finished.
    if canary.phase not in {Phase.RESTORING, Phase.ABORTING, Phase.CLEANING}:
        canary = replacement.move(context, canary, Event.ABORT, _by(context, "abort"))
    return _end(context, canary)


def _require_promotable(canary: Canary) -> None:
    if canary.phase is Phase.STARTING:
        raise DeployError(
            f"the canary of {canary.component} has not served a request yet",
            why=f"run {canary.run} is {canary.phase}",
            hint="let it be judged (`deploytool resume`, if it was interrupted), or take it back: "
            "`deploytool abort`",
        )
    if canary.phase in {Phase.RESTORING, Phase.ABORTING}:
        raise DeployError(
            f"the canary of {canary.component} is being taken back",
            why=canary.decision,
            hint="see it end (`deploytool resume`, if it was interrupted); then start a new canary",
        )


def _allow(_: Canary) -> None:
    """Whatever it is doing, it can be asked to abort."""


def _begin(context: Context, state: TargetState) -> Canary:
    if state.canary is None:
        raise DeployError(
            "there is no canary on this target",
            why="none was interrupted and none is held",
            hint="`deploytool status` shows what runs, `deploytool canary` starts one",
        )
    context.platform.prepare()
    require_foundation(context)
    return state.canary


def _end(context: Context, canary: Canary) -> CanaryResult:
    ended = replacement.carry_on(context, canary)
    return conclude(context, CanaryResult(ended, failures=finish(context, ended)))


def _result(found: Elsewhere | CanaryResult) -> CanaryResult:
    """Return how it ended: here, or elsewhere, where the rest is on record."""
    return CanaryResult(found.canary) if isinstance(found, Elsewhere) else found


def _by(context: Context, wanted: Wanted) -> str:
    return asked_for(context.wish(wanted, context.run))
