"""The canary as a state machine: (canary, event) -> canary; each phase names its actions.

A phase is saved before its first action (the intent), and left, by the event `Done`, after its
last. Every action may be repeated, so a process killed at any point goes on from the saved phase.
Knows no platform, clock or file: `operations.canary` carries the actions out.
"""

from collections.abc import Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from deploytool.canary.verdict import CanaryEvidence
from deploytool.system.revision import Revision


class Phase(StrEnum):
    """Where a canary is."""

    STARTING = "starting"  # canary starts at weight 0, becomes ready, passes its smoke requests
    OBSERVING = "observing"  # the current step's weight is set, requests are counted
    HELD = "held"  # every step passed or time is up; a person decides
    PROMOTING = "promoting"  # canary serves everything, the rest of stable's requests end
    REPLACING = "replacing"  # stable is brought to the canary's revision and verified
    RETURNING = "returning"  # the weight goes back to stable
    CLEANING = "cleaning"  # canary drains and is removed
    RESTORING = "restoring"  # canary serves everything while stable goes back to its revision
    ABORTING = "aborting"  # the weight goes to 0, canary drains and is removed
    PROMOTED = "promoted"  # end: the canary's revision is stable
    ROLLED_BACK = "rolled-back"  # end: stable is what it was


ENDS = frozenset({Phase.PROMOTED, Phase.ROLLED_BACK})
# In these the canary serves everything and stable may be under replacement.
_STABLE_IN_DOUBT = frozenset({Phase.PROMOTING, Phase.REPLACING, Phase.RETURNING, Phase.RESTORING})
_STABLE_SERVES = frozenset({Phase.STARTING, Phase.OBSERVING, Phase.HELD, Phase.ABORTING})


class Action(StrEnum):
    """What a phase does, in order; every action may be repeated."""

    START_CANARY = "start-canary"
    AWAIT_CANARY = "await-canary"
    SMOKE_CANARY = "smoke-canary"
    LEARN_STABLE = "learn-stable"
    SET_STEP_WEIGHT = "set-step-weight"
    OBSERVE = "observe"
    SET_FULL_WEIGHT = "set-full-weight"
    DRAIN_STABLE = "drain-stable"
    START_NEW_STABLE = "start-new-stable"
    START_OLD_STABLE = "start-old-stable"
    AWAIT_STABLE = "await-stable"
    VERIFY_STABLE = "verify-stable"
    SET_ZERO_WEIGHT = "set-zero-weight"
    STOP_CANARY = "stop-canary"


ACTIONS: dict[Phase, tuple[Action, ...]] = {
    Phase.STARTING: (
        Action.START_CANARY,
        Action.AWAIT_CANARY,
        Action.SMOKE_CANARY,
        Action.LEARN_STABLE,
    ),
    Phase.OBSERVING: (Action.SET_STEP_WEIGHT, Action.OBSERVE),
    Phase.HELD: (),
    Phase.PROMOTING: (Action.SET_FULL_WEIGHT, Action.DRAIN_STABLE),
    Phase.REPLACING: (Action.START_NEW_STABLE, Action.AWAIT_STABLE, Action.VERIFY_STABLE),
    Phase.RETURNING: (Action.SET_ZERO_WEIGHT,),
    Phase.CLEANING: (Action.STOP_CANARY,),
    Phase.RESTORING: (
        Action.SET_FULL_WEIGHT,
        Action.DRAIN_STABLE,
        Action.START_OLD_STABLE,
        Action.AWAIT_STABLE,
    ),
    Phase.ABORTING: (Action.SET_ZERO_WEIGHT, Action.STOP_CANARY),
    Phase.PROMOTED: (),
    Phase.ROLLED_BACK: (),
}


class Event(StrEnum):
    """What moves a canary on."""

    DONE = "done"  # the phase's actions are carried out
    ADVANCE = "advance"  # verdict: the evidence allows the next step, or promotion after the last
    HOLD = "hold"  # verdict: not enough evidence in time, or a person wants to decide
    RESUME = "resume"  # a person wants a held canary to be observed further
    PROMOTE = "promote"  # a person, or an update without a canary, wants it without more evidence
    ABORT = "abort"  # a verdict, a failure or a person wants stable back


class Canary(BaseModel):
    """A replacement of one component's stable revision, from its start to its end."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    run: str
    component: str
    stable: Revision
    canary: Revision
    # Percent of the requests at each step; empty for an update without evidence.
    steps: tuple[int, ...]
    phase: Phase = Phase.STARTING
    step: int = 0  # index into steps
    # Why it is in this phase.
    reason: str = "requested"
    # What a verdict, a failure or a person last decided, and why; kept to the end.
    decision: str = ""
    # Unix seconds since when it is in this phase and step.
    since: float
    # A person decides after the last step.
    is_held_at_end: bool = False
    # Components that run something else than what was built when it started, itself included.
    outdated: tuple[str, ...] = ()
    # The contract migrations that were pending then: those that its build was made for.
    contracts: tuple[str, ...] = ()
    # The reason is evidence against the canary, not a wish or a failure of the tool.
    is_judged_bad: bool = False
    # It is taken back because nothing could be decided in time.
    is_undecided: bool = False
    # For how long it was observed at all its steps; interruptions do not count, nor does the time
    # in which it had no weight as it did not answer.
    observed_s: float = 0.0
    # For how long, all times together, it did not answer while stable did.
    missed_s: float = 0.0
    # How often its process ended by itself during its start: once more is evidence against it.
    restarts: int = 0
    # Invariant of the data -> what broke it before it began.
    broken_before: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    # Unix seconds of the last poll; None before the first.
    polled_at: float | None = None
    # It goes back to an earlier revision: what was stable is not gone back to unasked.
    is_rollback: bool = False
    evidence: CanaryEvidence | None = None

    @property
    def weight(self) -> int:
        """The share of requests, in percent, that the phase gives to the canary at its end."""
        return weight_of(self.phase, self.steps, self.step)

    @property
    def is_evidence_lost(self) -> bool:
        """Whether it was observed and nothing is known of that: another version kept it."""
        is_judged = bool(self.steps) and self.phase in {Phase.OBSERVING, Phase.HELD}
        return is_judged and self.evidence is None

    @property
    def position(self) -> str:
        """Where it is, in words: the step while it is observed, else the phase."""
        if self.phase is Phase.OBSERVING:
            return f"step {self.step + 1}/{len(self.steps)}"
        return self.phase


def weight_of(phase: Phase, steps: Sequence[int], step: int) -> int:
    """Return the canary's weight at a phase's end. steps: percent, empty without evidence."""
    if phase is Phase.OBSERVING:
        return steps[step]
    if phase is Phase.HELD:
        return steps[step] if steps else 0
    return 100 if phase in {Phase.PROMOTING, Phase.REPLACING, Phase.RESTORING} else 0


class IllegalEvent(ValueError):
    """The event makes no sense in the phase; a fault of the caller."""


def advance(canary: Canary, event: Event, reason: str, now: float) -> Canary:
    """Return the canary after the event. now: unix seconds. Raises IllegalEvent."""
    phase, step = _next(canary, event)
    update = {"phase": phase, "step": step, "reason": reason, "since": now}
    if event is not Event.DONE:
        update["decision"] = reason
    return canary.model_copy(update=update)


def _next(canary: Canary, event: Event) -> tuple[Phase, int]:
    phase, step = canary.phase, canary.step
    if event is Event.ABORT and phase in _STABLE_SERVES:
        return Phase.ABORTING, step
    # Stable may be down or changed already: it must serve again before the canary is let go.
    if event is Event.ABORT and phase in _STABLE_IN_DOUBT:
        return Phase.RESTORING, step
    if event is Event.DONE and phase in _AFTER:
        return _AFTER[phase], step
    if event is Event.DONE and phase is Phase.STARTING:
        return (Phase.OBSERVING if canary.steps else Phase.PROMOTING), 0
    if event is Event.PROMOTE and phase in {Phase.OBSERVING, Phase.HELD}:
        return Phase.PROMOTING, step
    if event is Event.RESUME and phase is Phase.HELD:
        return Phase.OBSERVING, step
    if event is Event.HOLD and phase is Phase.OBSERVING:
        return Phase.HELD, step
    if event is Event.ADVANCE and phase is Phase.OBSERVING:
        if step + 1 < len(canary.steps):
            return Phase.OBSERVING, step + 1
        return (Phase.HELD if canary.is_held_at_end else Phase.PROMOTING), step
    raise IllegalEvent(f"{event} in phase {phase}")


_AFTER = {
    Phase.PROMOTING: Phase.REPLACING,
    Phase.REPLACING: Phase.RETURNING,
    Phase.RETURNING: Phase.CLEANING,
    Phase.CLEANING: Phase.PROMOTED,
    Phase.RESTORING: Phase.ABORTING,
    Phase.ABORTING: Phase.ROLLED_BACK,
}
