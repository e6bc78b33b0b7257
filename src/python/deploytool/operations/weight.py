"""The canary's weight: given to a canary that answers, and taken from one that no longer does."""

from deploytool.canary.machine import Canary
from deploytool.errors import NotReady
from deploytool.operations.context import Context
from deploytool.operations.patience import once_answered
from deploytool.operations.steering import heed
from deploytool.platforms.base import Condition, Instance, Role

# Between two looks at a canary that did not answer.
_LOOK_S = 0.5
GONE = frozenset({Condition.FAILED, Condition.ABSENT})


def set_weight(context: Context, canary: Canary, percent: int) -> None:
    """Have the router send this share to the canary. Raises PlatformFailed when it does not."""
    platform, component = context.platform, canary.component
    weight, _ = once_answered(
        context, component, lambda: platform.weight(component), lambda: heed(context, canary)
    )
    if weight == percent:
        return
    with context.timed("weight-set", f"{component} {percent} %", action="set-weight"):
        lacking = platform.set_weight(component, percent, context.deadline_s)
    if lacking:
        context.say("lacking", f"{component} canary", reason=lacking)


def give_weight(context: Context, canary: Canary, percent: int) -> None:
    """Set the weight once the canary answers. Raises as await_answer does."""
    instance = look_at(context, canary)
    if is_missed(context, canary, instance):
        await_answer(context, canary, instance)
    set_weight(context, canary, percent)


def require_answer(context: Context, canary: Canary) -> None:
    """Raise NotReady when the canary does not answer now."""
    instance = look_at(context, canary)
    if not _answers(instance):
        raise NotReady("the canary does not answer", why=_why(instance))


def look_at(context: Context, canary: Canary) -> Instance:
    """Return the canary's instance; that it does not answer was seen twice in a row.

    A process on a busy machine misses one look now and then.
    """
    instance = context.platform.instance(canary.component, Role.CANARY)
    if _answers(instance) or instance.condition in GONE:
        return instance
    context.sleep(_LOOK_S)
    return context.platform.instance(canary.component, Role.CANARY)


def is_missed(context: Context, canary: Canary, instance: Instance) -> bool:
    """Tell whether the canary does not answer while stable does.

    What both lack, such as a database, says nothing against the canary. instance: as it was seen.
    """
    if _answers(instance):
        return False
    return _answers(context.platform.instance(canary.component, Role.STABLE))


def await_answer(context: Context, canary: Canary, instance: Instance) -> None:
    """Keep all requests from a canary that is missed, as long as it is.

    instance: as it was seen. Raises NotReady, as evidence against the canary, when it is missed for
    as long as a request may wait for its answer, or when its process ends; Asked when a person
    decides meanwhile.
    """
    began = context.monotonic()
    limit_s = context.service(canary.component).answer_within_s
    subject, restarts = f"{canary.component} canary", instance.restarts
    context.say("unready", subject, reason=_why(instance))
    set_weight(context, canary, 0)
    while is_missed(context, canary, instance):
        if instance.condition in GONE or instance.restarts > restarts:
            raise ended_by_itself(instance)
        if context.monotonic() - began >= limit_s:
            raise NotReady(
                f"the canary has not answered its readiness path for {limit_s:g} s",
                why=_why(instance),
            )
        heed(context, canary)
        context.sleep(_LOOK_S)
        instance = context.platform.instance(canary.component, Role.CANARY)
    context.say(
        str(instance.condition), subject, reason=f"after {context.monotonic() - began:.1f} s"
    )


def ended_by_itself(instance: Instance) -> NotReady:
    """Return the reason to take back a canary whose process has ended unasked."""
    return NotReady("the canary's process ended by itself", why=_why(instance))


def _answers(instance: Instance) -> bool:
    return instance.condition in {Condition.SERVING, Condition.READY}


def _why(instance: Instance) -> str:
    return instance.reason or f"it is {instance.condition}"
