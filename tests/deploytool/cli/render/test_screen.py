"""What the live view shows, as whole screens: `screens/` holds one file a screen.

After a wanted change, look at the differences and run with SCREENS=write in the environment.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from deploytool.canary.machine import Phase
from deploytool.canary.verdict import Decision
from deploytool.cli.render.evidence import against_share, bar, for_share
from deploytool.cli.render.screen import render
from deploytool.record.event import Event
from tests.deploytool.cli.render import scenario
from tests.deploytool.cli.render.scenario import Canary, figures

SCREENS = Path(__file__).with_name("screens")
SCENARIOS = [scenario.starting, scenario.observing, scenario.taken_back, scenario.promoted]


def screen(canary: Canary, width: int, height: int = 40) -> str:
    return render(canary.progress, canary.now, width, height).plain + "\n"


@pytest.mark.parametrize("width", [100, 70])
@pytest.mark.parametrize("told", SCENARIOS, ids=lambda told: told.__name__)
def test_the_screen_is_as_designed(told: Callable[[], Canary], width: int) -> None:
    shown = screen(told(), width)
    path = SCREENS / f"{told.__name__}-{width}.txt"
    if os.environ.get("SCREENS") == "write":
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("told", SCENARIOS, ids=lambda told: told.__name__)
@pytest.mark.parametrize("width", [40, 60, 80, 132])
def test_no_line_is_wider_than_the_terminal(told: Callable[[], Canary], width: int) -> None:
    assert max(map(len, screen(told(), width).splitlines())) <= width


@pytest.mark.parametrize("told", SCENARIOS, ids=lambda told: told.__name__)
@pytest.mark.parametrize("width", [60, 80])
def test_all_of_it_fits_an_old_terminal_of_24_lines(told: Callable[[], Canary], width: int) -> None:
    canary = told()
    lines = screen(canary, width, height=24).splitlines()
    assert len(lines) <= 24
    assert canary.progress.happened[-1][:40] in "\n".join(lines[-2:])


@pytest.mark.parametrize("width", range(40, 100))
def test_a_number_and_its_unit_stay_on_one_line(width: int) -> None:
    lines = screen(scenario.taken_back(), width, height=60).splitlines()
    assert not [line for line in lines if line.strip().startswith(("% ", "%)", "%;", "ms"))]


def test_colour_adds_nothing_that_the_words_do_not_say() -> None:
    """The mark, not the colour, tells a failed stage from a passed one."""
    canary = scenario.taken_back()
    shown = render(canary.progress, canary.now, 100, 40)
    console = Console(width=100, force_terminal=True, no_color=True, highlight=False)
    with console.capture() as captured:
        console.print(shown)
    assert "\x1b[3" not in captured.get(), "a colour in spite of NO_COLOR"
    assert "✗ 25 %" in shown.plain


def test_figures_of_the_step_before_are_not_shown_as_this_step_s() -> None:
    canary = scenario.observing()
    canary.moves(Phase.OBSERVING, "errors: none", step=2)
    [row] = [line for line in screen(canary, 100).splitlines() if line.startswith("requests ")]
    assert row.split() == ["requests", "-", "-", "2,411", "533"]
    assert "nothing known yet" in screen(canary, 100)


def test_answers_that_are_no_errors_and_who_gave_up_are_shown_where_there_are_any() -> None:
    seen = figures(1, e_value=1.8, upper=0.034)
    assert "canary to stable" not in screen(scenario.observing(), 80)
    canary = seen.in_total.canary.model_copy(
        update={"client_errors_by_code": {404: 30, 403: 6}, "gave_up_late": 3}
    )
    seen = seen.model_copy(update={"in_total": seen.in_total.model_copy(update={"canary": canary})})
    shown = scenario.observing()
    shown.is_observed(seen, Decision.CONTINUE, "", at_s=26.0)
    assert "canary to stable: answers 4xx 36 to 0, gave up late 3 to 0\n" in screen(shown, 80)


def test_a_canary_of_the_same_revision_is_said_to_be_one() -> None:
    canary = scenario.starting()
    view = replace(scenario.STARTING, canary=scenario.STABLE)
    canary.progress = replace(canary.progress, canary=view)
    assert "3f2a9c1b against itself: the same as stable" in screen(canary, 100)


def test_what_differs_from_stable_stands_below_the_revisions() -> None:
    canary = scenario.starting()
    view = replace(scenario.STARTING, differs=("build", "STOCK_FAULT=error:0.2"))
    canary.progress = replace(canary.progress, canary=view)
    assert screen(canary, 70).splitlines()[2] == "differs in: build, STOCK_FAULT=error:0.2"


def test_before_there_is_a_canary_it_shows_what_happens() -> None:
    canary = Canary()
    canary.tells(Event("started", object="database"))
    assert screen(canary, 60) == (
        "deploytool canary" + " " * 39 + "0:00\n\n07:55:00  started database\n"
    )


def test_an_interruption_is_named_on_the_last_screen() -> None:
    canary = scenario.observing()
    canary.tells(Event("command-ended", result="interrupted"))
    assert "interrupted: step 2/3: 25 % to the canary" in screen(canary, 100)


@pytest.mark.parametrize(
    ("e_value", "share"), [(0.2, 0.0), (1.0, 0.0), (10.0, 0.5), (100.0, 1.0), (1e300, 1.0)]
)
def test_evidence_against_fills_its_bar_on_a_log_scale(e_value: float, share: float) -> None:
    assert against_share(figures(0, e_value=e_value, upper=1.0)) == pytest.approx(share)


@pytest.mark.parametrize(("upper", "share"), [(1.0, 0.0), (0.1, 0.5), (0.01, 1.0), (0.001, 1.0)])
def test_evidence_for_fills_its_bar_as_the_bound_comes_down(upper: float, share: float) -> None:
    assert for_share(upper, gate=0.01) == pytest.approx(share)


def test_a_bar_is_full_only_when_the_limit_is_reached() -> None:
    assert bar(0.999, 10) == "█████████░"
    assert bar(1.0, 10) == "██████████"
    assert bar(0.0, 10) == "░░░░░░░░░░"
