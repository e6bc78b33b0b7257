"""The canary's state machine: a grid of every phase and every event."""

from itertools import product

import pytest

from deploytool.canary.machine import (
    ACTIONS,
    ENDS,
    Action,
    Canary,
    Event,
    IllegalEvent,
    Phase,
    advance,
)
from deploytool.system.revision import Revision

STABLE = Revision(component="service", id="5ab1e", artifact="a", environment={})
CANARY = Revision(component="service", id="ca9a7", artifact="b", environment={})


def canary(phase: Phase, *, step: int = 0, steps: tuple[int, ...] = (10, 50)) -> Canary:
    return Canary(
        run="r", component="service", stable=STABLE, canary=CANARY, steps=steps, phase=phase,
        step=step, since=0.0,
    )  # fmt: skip


# Every pair that is not named here is illegal.
ALLOWED = {
    (Phase.STARTING, Event.DONE): Phase.OBSERVING,
    (Phase.STARTING, Event.ABORT): Phase.ABORTING,
    (Phase.OBSERVING, Event.ADVANCE): Phase.OBSERVING,
    (Phase.OBSERVING, Event.HOLD): Phase.HELD,
    (Phase.OBSERVING, Event.PROMOTE): Phase.PROMOTING,
    (Phase.OBSERVING, Event.ABORT): Phase.ABORTING,
    (Phase.HELD, Event.RESUME): Phase.OBSERVING,
    (Phase.HELD, Event.PROMOTE): Phase.PROMOTING,
    (Phase.HELD, Event.ABORT): Phase.ABORTING,
    (Phase.PROMOTING, Event.DONE): Phase.REPLACING,
    (Phase.PROMOTING, Event.ABORT): Phase.RESTORING,
    (Phase.REPLACING, Event.DONE): Phase.RETURNING,
    (Phase.REPLACING, Event.ABORT): Phase.RESTORING,
    (Phase.RETURNING, Event.DONE): Phase.CLEANING,
    (Phase.RETURNING, Event.ABORT): Phase.RESTORING,
    (Phase.CLEANING, Event.DONE): Phase.PROMOTED,
    (Phase.RESTORING, Event.DONE): Phase.ABORTING,
    (Phase.RESTORING, Event.ABORT): Phase.RESTORING,
    (Phase.ABORTING, Event.DONE): Phase.ROLLED_BACK,
    (Phase.ABORTING, Event.ABORT): Phase.ABORTING,
}


@pytest.mark.parametrize(("phase", "event"), list(product(Phase, Event)))
def test_every_phase_takes_exactly_the_events_that_make_sense(phase: Phase, event: Event) -> None:
    if (phase, event) in ALLOWED:
        assert advance(canary(phase), event, "why", 1.0).phase is ALLOWED[phase, event]
    else:
        with pytest.raises(IllegalEvent):
            advance(canary(phase), event, "why", 1.0)


def test_the_last_step_that_passes_leads_to_promotion() -> None:
    assert advance(canary(Phase.OBSERVING), Event.ADVANCE, "", 1.0).step == 1
    assert advance(canary(Phase.OBSERVING, step=1), Event.ADVANCE, "", 1.0).phase is Phase.PROMOTING


def test_a_person_can_ask_to_decide_after_the_last_step() -> None:
    held = canary(Phase.OBSERVING, step=1).model_copy(update={"is_held_at_end": True})
    assert advance(held, Event.ADVANCE, "", 1.0).phase is Phase.HELD


def test_without_steps_a_ready_canary_takes_over_at_once() -> None:
    assert advance(canary(Phase.STARTING, steps=()), Event.DONE, "", 1.0).phase is Phase.PROMOTING


@pytest.mark.parametrize("phase", sorted(set(Phase) - ENDS - {Phase.CLEANING}))
def test_abort_from_anywhere_ends_with_stable_as_it_was(phase: Phase) -> None:
    now = advance(canary(phase), Event.ABORT, "a person wants it", 1.0)
    while now.phase not in ENDS:
        now = advance(now, Event.DONE, "carried out", 2.0)
    assert now.phase is Phase.ROLLED_BACK
    assert now.decision == "a person wants it"


@pytest.mark.parametrize("phase", [Phase.PROMOTING, Phase.REPLACING, Phase.RETURNING])
def test_stable_is_restored_under_the_canarys_cover_once_it_was_touched(phase: Phase) -> None:
    assert advance(canary(phase), Event.ABORT, "", 1.0).phase is Phase.RESTORING
    actions = ACTIONS[Phase.RESTORING]
    assert actions.index(Action.SET_FULL_WEIGHT) < actions.index(Action.START_OLD_STABLE)
    assert Action.AWAIT_STABLE in actions


def test_the_canary_is_stopped_only_after_its_weight_is_zero() -> None:
    for phase, actions in ACTIONS.items():
        if Action.STOP_CANARY in actions and phase is not Phase.CLEANING:
            assert actions.index(Action.SET_ZERO_WEIGHT) < actions.index(Action.STOP_CANARY)
    assert ACTIONS[Phase.RETURNING] == (Action.SET_ZERO_WEIGHT,)


def test_a_new_phase_says_why_and_since_when() -> None:
    moved = advance(canary(Phase.OBSERVING), Event.HOLD, "time is up", 7.5)
    assert (moved.reason, moved.since, moved.decision) == ("time is up", 7.5, "time is up")


def test_a_canary_survives_being_saved() -> None:
    saved = canary(Phase.REPLACING, step=1)
    assert Canary.model_validate_json(saved.model_dump_json()) == saved
