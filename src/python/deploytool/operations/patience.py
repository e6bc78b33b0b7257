"""Waiting for a router that is away: supervision starts it again, and it blames no canary."""

from collections.abc import Callable
from typing import TypeVar

from deploytool.errors import PlatformFailed
from deploytool.operations.context import Context

Answer = TypeVar("Answer")

# Between two tries.
_RETRY_S = 0.5


def once_answered(
    context: Context, component: str, ask: Callable[[], Answer], heed: Callable[[], None]
) -> tuple[Answer, str]:
    """Return what the router says, and why it had to be waited for, "" when it had not.

    Raises PlatformFailed when it stays away: that ends the operation, to be resumed. heed: is
    called at each try that fails; what it raises ends the waiting.
    """
    until = context.monotonic() + context.deadline_s
    trouble = ""
    while True:
        try:
            return ask(), trouble
        except PlatformFailed as error:
            if context.monotonic() > until:
                raise
            if not trouble:
                context.say("waiting", component, reason=f"{error.what}: {error.why}")
            trouble = error.what
            heed()
            context.sleep(_RETRY_S)
