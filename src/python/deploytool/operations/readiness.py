"""Waiting for instances, ending early on what cannot heal, and trying them before traffic comes."""

import json
from collections.abc import Callable
from typing import Literal

from deploytool.errors import NotReady, PlatformFailed
from deploytool.operations.context import Context
from deploytool.platforms.base import Answer, Condition, Instance, Role

_POLL_S = 0.2
# An instance that ended by itself this often during its start will not become ready by waiting.
_HOPELESS_RESTARTS = 3
_SMOKE_TRIES = 5
_OK = 200


def await_ready(
    context: Context,
    component: str,
    role: Role,
    heed: Callable[[], None] = lambda: None,
    *,
    least: Literal[Condition.SERVING, Condition.READY] = Condition.READY,
) -> Instance:
    """Wait until the instance is ready. Raises NotReady with the last cause, early if hopeless.

    heed: is called at each look; what it raises ends the waiting. least: SERVING where it is enough
    that the instance answers.
    """
    limit_s = context.deadline_s
    if component in context.system.services:
        limit_s = min(context.service(component).ready_deadline_s, limit_s)
    started = context.monotonic()
    told = ""
    while True:
        instance = context.platform.instance(component, role)
        waited_s = context.monotonic() - started
        if instance.condition in {Condition.READY, least}:
            event = str(instance.condition)
            context.say(event, f"{component} {role}", reason=f"after {waited_s:.1f} s")
            return instance
        if instance.condition is Condition.FAILED or instance.restarts >= _HOPELESS_RESTARTS:
            raise _not_ready(
                component, instance, f"not ready after {waited_s:.0f} s, and waiting does not help"
            )
        if waited_s > limit_s:
            raise _not_ready(component, instance, f"not ready after {limit_s:.0f} s")
        if instance.reason != told:
            told = instance.reason
            context.say("waiting", f"{component} {role}", reason=told)
        heed()
        context.sleep(_POLL_S)


def smoke(context: Context, component: str, role: Role, revision: str) -> None:
    """See that the instance is the revision and answers its smoke requests. Raises NotReady."""
    service = context.service(component)
    subject = f"{component} {role}"
    answered = reported_revision(_answer(context, component, role, service.health.version).body)
    if answered != revision:
        raise NotReady(
            f"{subject} reports another revision than the one started",
            why=f"{service.health.version} names {answered!r}, {revision!r} was started",
            hint=f"see `deploytool logs {component}`",
        )
    for path in service.smoke:
        answer = _answer(context, component, role, path)
        if answer.status != _OK:
            raise NotReady(
                f"{subject} fails its smoke request GET {path}",
                why=f"HTTP {answer.status}: {_start_of(answer.body)}",
                hint=f"see `deploytool logs {component}`",
            )
    context.say("smoke-passed", subject, reason=f"reports {revision}, answers {len(service.smoke)}")


def reported_revision(body: bytes) -> str:
    """Return the field `revision` of a version answer; "" when it has none."""
    try:
        answer = json.loads(body)
    except ValueError:
        return ""
    return str(answer.get("revision", "")) if isinstance(answer, dict) else ""


def _answer(context: Context, component: str, role: Role, path: str) -> Answer:
    """Return the first good answer, or the last of several. Raises NotReady when there is none.

    A revision that fails now and then is for the evidence to judge, by counts; only one that cannot
    do what it is for is turned away here.
    """
    tries_left = _SMOKE_TRIES
    while True:
        tries_left -= 1
        try:
            answer = context.platform.request(component, role, path)
            if answer.status == _OK or not tries_left:
                return answer
        except PlatformFailed as error:
            # The request may have ended the process, or made it hang.
            if not tries_left:
                raise NotReady(
                    f"{component} {role} does not answer GET {path}",
                    why=error.why,
                    hint=f"see `deploytool logs {component}`",
                ) from error
        context.sleep(_POLL_S)


def _start_of(body: bytes) -> str:
    return body[:200].decode(errors="replace").strip()


def _not_ready(component: str, instance: Instance, how: str) -> NotReady:
    return NotReady(
        f"{component} {instance.role} {instance.revision}: {how}",
        why=instance.reason or f"it is {instance.condition}",
        hint=f"see `deploytool logs {component}`",
    )
