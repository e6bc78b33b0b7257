"""How the events of a command add up to what the live view shows."""

from dataclasses import replace
from datetime import timedelta

import pytest

from deploytool.canary.machine import Phase
from deploytool.canary.verdict import Decision
from deploytool.record.event import Event
from deploytool.traffic.load.counts import LoadCounts
from tests.deploytool.cli.render.scenario import (
    STARTING,
    Canary,
    figures,
    observing,
    promoted,
    starting,
    taken_back,
)


def test_a_wait_lasts_until_something_else_happens() -> None:
    canary = starting()
    assert canary.progress.waits_for == "GET /readyz answers 503: no database"
    canary.tells(Event("ready", object="inventory canary"))
    assert canary.progress.waits_for == ""


def test_time_goes_on_between_events_and_stands_still_after_the_end() -> None:
    canary = observing()
    canary.passes(3)
    assert canary.progress.phase_s(canary.now) == pytest.approx(25.0 + 3.0)
    assert canary.progress.elapsed_s(canary.now) == pytest.approx(65.0)
    canary.tells(Event("command-ended", result="interrupted"))
    later = canary.now + timedelta(hours=1)
    assert canary.progress.phase_s(later) == pytest.approx(25.0 + 3.0)
    assert canary.progress.elapsed_s(later) == pytest.approx(65.0)


def test_observations_are_figures_and_no_lines() -> None:
    canary = observing()
    before = canary.progress.happened
    seen = figures(1, e_value=2.5, upper=0.03)
    canary.is_observed(seen, Decision.CONTINUE, "more is needed", at_s=26.0)
    assert canary.progress.happened == before
    assert canary.progress.figures == seen
    assert canary.progress.sentence == "more is needed"


def test_it_remembers_where_a_canary_was_when_it_was_taken_back() -> None:
    canary = taken_back()
    assert canary.progress.stages[canary.progress.stage] == "25 %"
    canary.moves(Phase.ROLLED_BACK, "drained", step=1)
    assert canary.progress.stages[canary.progress.stage] == "25 %"
    assert canary.progress.decision.startswith("errors: 31 of 533")


def test_why_it_was_decided_outlives_the_phases_that_follow() -> None:
    assert promoted().progress.decision.startswith("errors: 0 of 401 canary requests failed")


def test_restoring_stable_does_not_hide_why_it_was_restored() -> None:
    canary = observing()
    canary.moves(Phase.REPLACING, "the canary serves every request", step=2)
    canary.moves(Phase.RESTORING, "stable is not ready: it ended", step=2)
    canary.moves(Phase.ABORTING, "stable runs its earlier revision again", step=2)
    assert canary.progress.decision == "stable is not ready: it ended"


def test_reasons_are_the_events_own_in_which_secrets_are_masked() -> None:
    canary = observing()
    view = replace(STARTING, phase=Phase.ABORTING, reason="password hunter2 was refused")
    canary.tells(Event("transition", reason="password *** was refused", view=view))
    assert "hunter2" not in canary.progress.decision


def test_what_was_replaced_before_the_canary_is_forgotten_when_it_starts() -> None:
    canary = Canary()
    earlier = replace(STARTING, component="shop", steps=(), phase=Phase.PROMOTED)
    canary.tells(Event("transition", view=earlier))
    canary.tells(Event("canary-started", object="inventory 77c0ffee"))
    assert canary.progress.canary is None


def test_the_rate_is_of_the_last_seconds_not_of_the_whole_load() -> None:
    canary = Canary()
    for quarter in range(120):
        second = quarter / 4
        requests = 100 * min(second, 20) + 10 * max(0.0, second - 20)
        canary.progress = canary.progress.with_load(
            LoadCounts(requests=round(requests), elapsed_s=second)
        )
    assert canary.progress.rate == pytest.approx(10, abs=0.5)


def test_one_look_at_the_traffic_gives_no_rate_yet() -> None:
    canary = Canary()
    canary.sends(0, at_s=0.0)
    assert canary.progress.rate is None
