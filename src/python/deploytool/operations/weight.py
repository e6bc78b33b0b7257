"""The canary's weight: given to a canary that answers, and taken from one that no longer does."""

from deploytool.canary.machine import Canary
from deploytool.errors import NotReady
from deploytool.operations.context import Context
from deploytool.operations.patience import once_answered
from deploytool.operations.steering import heed
from deploytool.platforms.base import Condition, Instance, Role

# Between two looks at a canary that did not answer.
_LOOK_S = 0.5
_COMPLETE = frozenset({Condition.SERVING, Condition.READY})


class NotStarted(NotReady):
    """The platform did not start the canary's processes again in time: no evidence against it."""


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


def give_weight(context: Context, canary: Canary, percent: int) -> Canary:
    """Set the weight once the canary answers. Returns and raises as await_answer does."""
    instance = look_at(context, canary)
    if is_missed(context, canary, instance):
        canary = await_answer(context, canary, instance)
    set_weight(context, canary, percent)
    return canary


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
    if _answers(instance) or instance.condition in {Condition.FAILED, Condition.ABSENT}:
        return instance
    context.sleep(_LOOK_S)
    return context.platform.instance(canary.component, Role.CANARY)


def is_missed(context: Context, canary: Canary, instance: Instance) -> bool:
    """Tell whether the canary does not answer while stable does.

    A lack on both sides, of a database for example, says nothing against the canary. instance: as
    it was seen.
    """
    if _answers(instance):
        return False
    return _answers(context.platform.instance(canary.component, Role.STABLE))


def has_ended(instance: Instance, restarts: int) -> bool:
    """Tell whether a process of the canary has ended by itself, or it cannot answer any more.

    Processes that the platform has no place for are no fault of the canary's. restarts: how many
    there were before.
    """
    if instance.restarts > restarts or instance.condition is Condition.ABSENT:
        return True
    is_excused = instance.is_unstarted or instance.is_partly_serving
    return instance.condition is Condition.FAILED and not is_excused


def tell_lack(context: Context, canary: Canary, instance: Instance, told: str) -> str:
    """Name what does not serve of a canary of which the rest does; return what was named.

    told: what this returned at the look before.
    """
    lack = _why(instance) if _lacks_a_part(instance) else ""
    if lack and lack != told:
        context.say("lacking", f"{canary.component} canary", reason=lack)
    return lack


def await_answer(context: Context, canary: Canary, instance: Instance) -> Canary:
    """Keep all requests from a canary that is missed, as long as it is.

    Returns it with that time added to what it was missed before. instance: as it was seen. Raises
    NotReady, as evidence against the canary, when it was missed in all for as long as a request may
    wait for its answer, or when its process ends; NotStarted when it has had no process for as long
    as it may take to get ready; Asked when a person decides meanwhile.
    """
    began = looked = context.monotonic()
    unstarted_s, in_all = 0.0, " in all" if canary.missed_s else ""
    service = context.service(canary.component)
    subject, restarts = f"{canary.component} canary", instance.restarts
    context.say("unready", subject, reason=_why(instance))
    set_weight(context, canary, 0)
    while is_missed(context, canary, instance):
        if has_ended(instance, restarts):
            raise ended_by_itself(instance)
        if canary.missed_s >= service.answer_within_s:
            raise NotReady(
                "the canary has not answered its readiness path for "
                f"{service.answer_within_s:g} s{in_all}",
                why=_why(instance),
            )
        if unstarted_s >= service.ready_deadline_s:
            raise NotStarted(
                f"the canary was not started again within {service.ready_deadline_s:g} s",
                why=_why(instance),
            )
        heed(context, canary)
        context.sleep(_LOOK_S)
        now = context.monotonic()
        if instance.is_unstarted:
            unstarted_s += now - looked
        else:
            missed_s = canary.missed_s + now - looked
            canary = canary.model_copy(update={"missed_s": missed_s})
        looked = now
        instance = context.platform.instance(canary.component, Role.CANARY)
    event = Condition.SERVING if _lacks_a_part(instance) else instance.condition
    context.say(str(event), subject, reason=f"after {context.monotonic() - began:.1f} s")
    return canary


def ended_by_itself(instance: Instance) -> NotReady:
    """Return the reason to take back a canary whose process has ended unasked."""
    return NotReady("the canary's process ended by itself", why=_why(instance))


def _answers(instance: Instance) -> bool:
    return instance.condition in _COMPLETE or instance.is_partly_serving


def _lacks_a_part(instance: Instance) -> bool:
    return instance.is_partly_serving and instance.condition not in _COMPLETE


def _why(instance: Instance) -> str:
    return instance.reason or f"it is {instance.condition}"
