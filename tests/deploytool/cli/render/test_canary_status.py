"""A canary in `status`: at a glance where it stands, however wide the terminal is."""

from dataclasses import replace

import click
import pytest

from deploytool.canary.machine import Phase
from deploytool.cli.render.status import status_as_text
from deploytool.operations.status import Evidence, Status
from deploytool.platforms.base import Condition, Instance, Role
from deploytool.record.store import Holder
from deploytool.system.revision import revision_of
from tests.deploytool.cli.render import scenario

HOLDER = Holder(
    user="ann", host="desk", pid=7, command="resume", run="r2", since="2026-11-24T08:00:00+00:00"
)


def running() -> Status:
    told = scenario.observing()
    assert told.view.phase is Phase.OBSERVING
    figures = told.progress.figures
    assert figures is not None
    return Status(
        target="local",
        url="http://127.0.0.1:1",
        addresses={"inventory": "http://127.0.0.1:1/stock/"},
        instances=(
            Instance("inventory", Role.STABLE, scenario.STABLE, Condition.READY, ""),
            Instance("inventory", Role.CANARY, scenario.CANARY, Condition.READY, ""),
        ),
        weights={"inventory": 25},
        earlier={},
        cut_off={},
        doubted={},
        drift={},
        holder=HOLDER,
        canary=replace(told.view, elapsed_s=25.0),
        evidence=Evidence(figures, told.progress.verdict, told.progress.sentence, 0.25, 3.4),
    )


def shown(status: Status, width: int = 100) -> str:
    return click.unstyle(status_as_text(status, width))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_running_canary_is_shown_with_all_that_the_verdict_rests_on(width: int) -> None:
    text = shown(running(), width)
    picture = text.split("\n\n", 1)[1].split("resume by", 1)[0].splitlines()
    assert max(map(len, picture)) <= width
    for part in (
        "✓ 10 %", "● 25 %", "step 2/3: 25 % to the canary, for 0:25 of at most 5:00",
        "not decided: 0 failures in 401 canary", "1,204", "p99", "against canary", "for this step",
    ):  # fmt: skip
        assert part in text
    assert "resume by ann@desk (process 7) is under way since" in text
    assert "`deploytool abort`" in text


@pytest.mark.parametrize(
    ("age_s", "words"),
    [(3.4, "last poll 3 s ago"), (150, "last poll 2 min ago"), (8000, "last poll 2 h 13 min ago")],
)
def test_it_is_told_how_old_the_figures_are(age_s: float, words: str) -> None:
    status = running()
    assert status.evidence is not None
    text = shown(replace(status, evidence=replace(status.evidence, poll_age_s=age_s)))
    assert words in text


def test_where_one_goes_back_to_only_by_name_is_told_with_the_reason() -> None:
    earlier = tuple(revision_of("inventory", digest, {}) for digest in ("aa", "bb"))
    doubted = {earlier[0].id: "it was rolled back from in run r1"}
    text = shown(replace(running(), earlier={"inventory": earlier}, doubted=doubted))
    assert f"inventory can go back to {earlier[1].id}\n" in text
    assert (
        f"inventory goes back to {earlier[0].id} only by --to: it was rolled back from in run r1"
        in text
    )


def test_an_interrupted_one_waits_for_a_person_and_its_time_stands_still() -> None:
    text = shown(replace(running(), holder=None))
    assert "interrupted: step 2/3: 25 % to the canary" in text
    assert "of at most" not in text
    assert "next: `deploytool resume`, `deploytool promote` or `deploytool abort`" in text


def test_one_whose_evidence_cannot_be_read_is_shown_and_cannot_go_on() -> None:
    lost = replace(running(), holder=None, evidence=None, is_evidence_lost=True)
    text = shown(lost)
    assert "its evidence cannot be read: another version of deploytool began it" in text
    assert "next: `deploytool promote` or `deploytool abort`" in text


def test_a_held_one_says_why() -> None:
    status = running()
    assert status.canary is not None
    assert status.evidence is not None
    held = replace(status.canary, phase=Phase.HELD, reason="too few requests")
    text = shown(replace(
        status, holder=None, canary=held, evidence=replace(status.evidence, decision=None)
    ))  # fmt: skip
    assert "held: a person decides" in text
    assert "why: too few requests" in text
    assert "1,204" in text


def test_without_a_canary_nothing_of_one_is_shown() -> None:
    text = shown(replace(running(), holder=None, canary=None, evidence=None, weights={}))
    assert "canary of" not in text
    assert "next:" not in text
