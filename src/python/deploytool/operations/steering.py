"""Steering a canary that another process runs: a wish is posted to it, and it takes the wish up.

`steer` is for who wants something, `heed` for the operation that runs the canary.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from deploytool.canary.machine import Canary, Event, Phase
from deploytool.errors import DeployError, Locked, NotReady
from deploytool.operations.context import Context
from deploytool.record.store import Holder, TargetState, Wish

Wanted = Literal["abort", "promote"]
Result = TypeVar("Result")

# Between two looks whether the operation that was asked has ended.
_LOOK_S = 0.3
# Holds the lock for a while before there is a canary to be asked about.
_BEGINS_CANARIES = "canary"

_FOLLOWED = {
    # What is being taken back already is; in the cleaning the canary is stable already.
    Event.ABORT: frozenset(
        {Phase.STARTING, Phase.OBSERVING, Phase.PROMOTING, Phase.REPLACING, Phase.RETURNING}
    ),
    Event.PROMOTE: frozenset({Phase.OBSERVING}),
}


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A canary that another operation has ended. asked_in: its phase when that was asked for."""

    canary: Canary
    asked_in: Phase


class Asked(Exception):
    """A wish was taken up: no failure, but the end of whatever the phase waits for.

    canary: with what it has learnt so far.
    """

    def __init__(self, canary: Canary, event: Event, reason: str) -> None:
        super().__init__(reason)
        self.canary = canary
        self.event = event
        self.reason = reason


def heed(context: Context, canary: Canary) -> None:
    """Take up what people want of this operation. Raises Asked when the phase can follow.

    An abort goes before any other wish that came since the last look.
    """
    wishes = sorted(context.platform.store.take_wishes(context.run), key=lambda wish: wish.wanted)
    followed = next(
        (each for each in wishes if canary.phase in _FOLLOWED[Event(each.wanted)]), None
    )
    for wish in wishes:
        if wish is followed or (followed and wish.wanted == followed.wanted):
            continue
        subject = f"{canary.component} {canary.canary.id}"
        why = (
            f"{asked_for(followed)}, too" if followed else f"that changes nothing in {canary.phase}"
        )
        context.say("note", subject, reason=f"{asked_for(wish)}: {why}")
    if followed is not None:
        raise Asked(canary, Event(followed.wanted), asked_for(followed))


def asked_for(wish: Wish) -> str:
    """Return the reason that a transition has which a person wanted."""
    return f"{wish.wanted} was asked for by {wish.user}@{wish.host}"


def steer(
    context: Context,
    wanted: Wanted,
    check: Callable[[Canary], None],
    here: Callable[[TargetState], Result],
) -> Elsewhere | Result:
    """Have the canary promoted or aborted by whoever runs it, or here when nobody does.

    check: raises when a running canary cannot be asked for that. here: does it under the lock.
    Returns how it ended elsewhere, or what `here` returned. Raises Locked when the operation under
    way is no canary or does not tell whose it is, NotReady when it does not end in time.
    """
    until = context.monotonic() + context.deadline_s
    asked: Holder | None = None
    canary: Canary | None = None
    while True:
        try:
            with context.locked() as state:
                if canary is None or _is_under_way(state, canary):
                    return here(state)
                return Elsewhere(_end_of(state, canary), canary.phase)
        except Locked:
            holder, state = context.platform.store.holder(), context.platform.store.load()
            if holder is None:
                pass  # freed at this moment, or not to be read
            elif canary is not None and not _is_under_way(state, canary):
                if holder != asked:
                    return Elsewhere(_end_of(state, canary), canary.phase)
            elif holder != asked:
                found = state.canary
                if found is not None and found.steps:
                    check(found)
                    _post(context, wanted, holder, found)
                    asked, canary = holder, found
                elif found is not None or holder.command != _BEGINS_CANARIES:
                    raise
            if context.monotonic() > until:
                known = holder or asked
                if known is None:
                    raise
                raise _not_ended(context, known, state) from None
        context.sleep(_LOOK_S)


def _is_under_way(state: TargetState, canary: Canary) -> bool:
    return state.canary is not None and state.canary.run == canary.run


def _post(context: Context, wanted: Wanted, holder: Holder, canary: Canary) -> None:
    context.platform.store.post_wish(context.wish(wanted, holder.run))
    context.say(
        "asked", f"{canary.component} {canary.canary.id}", result=wanted, reason=_who(holder)
    )
    context.say("waiting", canary.component, reason=f"`{holder.command}` follows and ends")


def _end_of(state: TargetState, canary: Canary) -> Canary:
    if state.ended is not None and state.ended.run == canary.run:
        return state.ended
    raise DeployError(
        f"how the canary of {canary.component} ended is not kept any more",
        why=f"run {canary.run} is over, and {_what_came_after(state)}",
        hint=f"`deploytool history` lists both; `deploytool report {canary.run}` tells of it",
    )


def _what_came_after(state: TargetState) -> str:
    """Return why the state does not tell of a canary that is over."""
    if state.canary is not None:
        return f"run {state.canary.run} has begun since"
    if state.ended is not None:
        return f"another replacement, run {state.ended.run}, or `deploytool down` came after it"
    return "`deploytool down` came after it"


def _not_ended(context: Context, holder: Holder, state: TargetState) -> NotReady:
    at = f"at {state.canary.position}" if state.canary else "at its very beginning or end"
    return NotReady(
        f"`{holder.command}` has not ended after {context.deadline_s:.0f} s",
        why=f"{_who(holder)}; it is {at}",
        note="what was asked for stays asked for, and is taken up as soon as it can be",
        hint="`deploytool status` shows where it stands",
    )


def _who(holder: Holder) -> str:
    return f"run {holder.run} by {holder.user}@{holder.host}, process {holder.pid}"
