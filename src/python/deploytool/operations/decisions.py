"""What a person decides about a canary that is held or was interrupted."""

from deploytool.canary.machine import Canary, Event, Phase
from deploytool.errors import DeployError
from deploytool.operations import replacement
from deploytool.operations.canary import CanaryResult, finish
from deploytool.operations.context import Context
from deploytool.operations.load import Traffic, traffic
from deploytool.operations.up import start_foundation
from deploytool.record.store import TargetState


def promote(context: Context) -> CanaryResult:
    """Make the canary stable without more evidence."""
    with context.locked() as state:
        canary = _begin(context, state)
        if canary.phase is Phase.STARTING:
            raise DeployError(
                f"the canary of {canary.component} has not served a request yet",
                why=f"run {canary.run} is {canary.phase}",
                hint="`deploytool resume` lets it be judged, `deploytool abort` takes it back",
            )
        if canary.phase in {Phase.RESTORING, Phase.ABORTING}:
            raise DeployError(
                f"the canary of {canary.component} is being taken back",
                why=canary.decision,
                hint="`deploytool resume` finishes that; then start a new canary",
            )
        if canary.phase in {Phase.OBSERVING, Phase.HELD}:
            canary = replacement.move(context, canary, Event.PROMOTE, _by(context))
        return _end(context, canary)


def abort(context: Context) -> CanaryResult:
    """Send everything to stable, then drain and remove the canary."""
    with context.locked() as state:
        canary = _begin(context, state)
        if canary.phase is Phase.CLEANING:
            _end(context, canary)
            raise DeployError(
                f"too late to abort: {canary.component} {canary.canary.id} is stable",
                why="stable was replaced and verified before the interruption",
                note="the promotion was finished; nothing is left half done",
                hint=f"`deploytool rollback {canary.component}` goes back to {canary.stable.id}",
            )
        if canary.phase not in {Phase.RESTORING, Phase.ABORTING}:
            canary = replacement.move(context, canary, Event.ABORT, _by(context))
        return _end(context, canary)


def resume(context: Context, wanted: Traffic) -> CanaryResult:
    """Go on from where an interrupted canary stands, with the evidence it had.

    The time of a step begins afresh: nothing was observed during the interruption.
    """
    with context.locked() as state:
        canary = _begin(context, state)
        if canary.phase is Phase.HELD:
            canary = replacement.move(context, canary, Event.RESUME, _by(context))
        canary = canary.model_copy(update={"since": context.now()})
        with traffic(context, wanted) as sent:
            ended = replacement.carry_on(context, canary)
            finish(context, ended)
        return CanaryResult(ended, sent.result)


def _begin(context: Context, state: TargetState) -> Canary:
    if state.canary is None:
        raise DeployError(
            "there is no canary on this target",
            why="none was interrupted and none is held",
            hint="`deploytool status` shows what runs, `deploytool canary` starts one",
        )
    context.platform.prepare()
    start_foundation(context)
    return state.canary


def _end(context: Context, canary: Canary) -> CanaryResult:
    ended = replacement.carry_on(context, canary)
    finish(context, ended)
    return CanaryResult(ended, None)


def _by(context: Context) -> str:
    return f"{context.command} was asked for"
