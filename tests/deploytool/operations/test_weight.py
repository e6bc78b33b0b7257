"""A canary that does not answer: it has no weight, and is taken back when it does not come back."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploytool.canary.machine import Phase
from deploytool.canary.observation import Snapshot
from deploytool.operations.replay import replay_run
from deploytool.operations.steering import Wanted
from deploytool.platforms.base import Condition, Role
from deploytool.record import event as record
from deploytool.record.store import Wish
from tests.deploytool.operations.scripted import SILENCE, Killed, Story, Target, Visitors

# Its policy polls every second; a request may wait 10 s for its answer.
LIMIT_S = 10
FOR_EVER = math.inf


def entered(phase: Phase) -> Callable[[record.Event], bool]:
    return lambda event: event.event == "transition" and event.result == phase


class Silence:
    """Has the canary stop answering for so many seconds, and hears what is told of that.

    after: tells the event with which that begins. of: who does not answer.
    """

    def __init__(
        self,
        story: Story,
        seconds: float,
        after: Callable[[record.Event], bool] = lambda event: event.details.get("number") == 2,
        of: frozenset[Role] = frozenset({Role.CANARY}),
    ) -> None:
        self.story = story
        self.after = after
        self.began = math.inf
        self.events: list[record.Event] = []
        self.times: list[float] = []
        story.target.is_silent = lambda role, now: (
            role in of and self.began <= now < self.began + seconds
        )

    def __call__(self, event: record.Event) -> None:
        self.events.append(event)
        self.times.append(self.story.visitors.now)
        if self.after(event):
            self.began = self.story.visitors.now

    def told(self, event: str) -> list[record.Event]:
        return [each for each in self.events if each.event == event]

    def weights(self) -> list[str]:
        return [each.object.removeprefix("back ") for each in self.told("weight-set")]

    def after_s(self, event: str, name: str = "") -> float:
        """Return how long after the canary fell silent an event was told first."""
        return next(
            time - self.began
            for each, time in zip(self.events, self.times, strict=True)
            if time >= self.began and each.event == event and name in each.object
        )


def wish(wanted: Wanted) -> Wish:
    return Wish(wanted=wanted, run="one", by="two", user="eve", host="elsewhere", since="")


def observed(story: Story) -> list[dict[str, Any]]:
    lines = map(json.loads, story.log.read_text().splitlines())
    return [line for line in lines if line.get("event") == "observation"]


def test_a_canary_that_stops_answering_loses_its_weight_and_is_taken_back(tmp_path: Path) -> None:
    story = Story(tmp_path, Visitors())
    silence = Silence(story, seconds=FOR_EVER)
    ended = story.begin("one", silence)
    assert (ended.phase, ended.is_judged_bad) == (Phase.ROLLED_BACK, True)
    assert ended.decision == (
        "the canary has not answered its readiness path for 10 s: no answer from /readyz: timed out"
    )
    assert silence.weights() == ["20 %", "0 %"]
    assert silence.after_s("weight-set", "0 %") < 2
    assert silence.after_s("transition") == pytest.approx(LIMIT_S, abs=3)
    assert [each.reason for each in silence.told("unready")] == [
        "no answer from /readyz: timed out"
    ]
    assert replay_run(story.log, "one").outcome == Phase.ROLLED_BACK


def test_one_that_answers_again_gets_its_weight_back_and_the_polls_around_are_void(
    tmp_path: Path,
) -> None:
    story = Story(tmp_path, Visitors())
    silence = Silence(story, seconds=6)
    ended = story.begin("one", silence)
    assert ended.phase is Phase.PROMOTED
    assert silence.weights() == ["20 %", "0 %", "20 %", "50 %", "100 %", "0 %"]
    assert [each.object for each in silence.told("ready")][1] == "back canary"
    void = observed(story)[2]
    assert void["details"]["poll"] == {
        "reason": "the canary had no weight meanwhile, as it did not answer: "
        "no answer from /readyz: timed out"
    }
    dropped = [
        line["details"]["verdict"]["figures"]["dropped_polls"] for line in observed(story)[1:6]
    ]
    assert dropped == [dropped[0], *[dropped[0] + n for n in (1, 2, 2, 2)]]
    assert replay_run(story.log, "one").observations == len(observed(story))


def test_a_single_look_that_is_missed_changes_nothing(tmp_path: Path) -> None:
    story = Story(tmp_path, Visitors())
    silence = Silence(story, seconds=1.2)
    assert story.begin("one", silence).phase is Phase.PROMOTED
    assert silence.told("unready") == []


def test_what_stable_lacks_as_well_is_no_fault_of_the_canary(tmp_path: Path) -> None:
    story = Story(tmp_path, Visitors(), steps=(50,))
    silence = Silence(story, seconds=2 * LIMIT_S, of=frozenset(Role))
    assert story.begin("one", silence).phase is not Phase.ROLLED_BACK
    assert silence.told("unready") == []


UNPLACED = replace(SILENCE, reason="no node takes pod back-1", is_unstarted=True)


@pytest.mark.parametrize("condition", [Condition.WAITING, Condition.FAILED])
@pytest.mark.parametrize("seconds", [3 * LIMIT_S, FOR_EVER])
def test_that_nothing_can_run_the_canary_for_a_while_is_no_evidence_against_it(
    tmp_path: Path, condition: Condition, seconds: float
) -> None:
    story = Story(tmp_path, Visitors())
    story.target.silences[Role.CANARY] = replace(UNPLACED, condition=condition)
    silence = Silence(story, seconds)
    ended = story.begin("one", silence)
    assert not ended.is_judged_bad
    assert silence.weights()[:2] == ["20 %", "0 %"]
    assert replay_run(story.log, "one").outcome == ended.phase
    if seconds < FOR_EVER:
        assert (ended.phase, ended.missed_s) == (Phase.PROMOTED, 0)
    else:
        assert ended.phase is Phase.ROLLED_BACK
        assert ended.decision == (
            "the canary was not started again within 60 s: no node takes pod back-1"
        )


def test_nor_is_it_before_a_step_has_its_weight(tmp_path: Path) -> None:
    story = Story(tmp_path, Visitors())
    story.target.silences[Role.CANARY] = UNPLACED
    silence = Silence(story, FOR_EVER, after=entered(Phase.OBSERVING))
    ended = story.begin("one", silence)
    assert (ended.phase, ended.is_judged_bad) == (Phase.ROLLED_BACK, False)
    assert silence.weights() == []


def test_a_process_that_ends_where_it_was_started_again_is(tmp_path: Path) -> None:
    story = Story(tmp_path, Visitors())
    story.target.silences[Role.CANARY] = UNPLACED

    def crash(event: record.Event) -> None:
        silence(event)
        if event.event == "unready":
            story.target.restarts += 1

    silence = Silence(story, FOR_EVER)
    ended = story.begin("one", crash)
    assert (ended.phase, ended.is_judged_bad) == (Phase.ROLLED_BACK, True)
    assert ended.decision.startswith("the canary's process ended by itself: ")


HALF = replace(SILENCE, reason="pod back-1 is not ready", is_partly_serving=True)


def test_a_canary_of_which_a_part_serves_keeps_its_weight_and_the_rest_is_named_once(
    tmp_path: Path,
) -> None:
    story = Story(tmp_path, Visitors())
    story.target.silences[Role.CANARY] = HALF
    silence = Silence(story, FOR_EVER)
    ended = story.begin("one", silence)
    assert ended.phase is Phase.PROMOTED
    assert silence.weights() == ["20 %", "50 %", "100 %", "0 %"]
    assert silence.told("unready") == []
    told = [each.reason for each in silence.told("lacking")]
    assert told == ["pod back-1 is not ready"] * 2  # at each of the two steps


def test_a_canary_has_its_weight_back_when_a_part_of_it_serves(tmp_path: Path) -> None:
    story = Story(tmp_path, Visitors())
    story.target.silences[Role.CANARY] = UNPLACED

    def come_back(event: record.Event) -> None:
        silence(event)
        if event.event == "weight-set" and event.object == "back 0 %":
            story.target.silences[Role.CANARY] = HALF

    silence = Silence(story, FOR_EVER)
    assert story.begin("one", come_back).phase is Phase.PROMOTED
    assert silence.weights()[:3] == ["20 %", "0 %", "20 %"]
    assert [each.object for each in silence.told("serving")] == ["back canary"]


def test_a_canary_is_missed_while_stable_serves_but_in_part(tmp_path: Path) -> None:
    story = Story(tmp_path, Visitors())
    story.target.silences[Role.STABLE] = HALF
    silence = Silence(story, FOR_EVER, of=frozenset(Role))
    ended = story.begin("one", silence)
    assert (ended.phase, ended.is_judged_bad) == (Phase.ROLLED_BACK, True)
    assert silence.weights() == ["20 %", "0 %"]


@pytest.mark.parametrize("is_killed", [False, True])
def test_one_that_falls_silent_again_and_again_is_taken_back_when_that_adds_up(
    tmp_path: Path, is_killed: bool
) -> None:
    story = Story(tmp_path, Visitors(), least_step_s=40)
    began = story.visitors.now
    story.target.is_silent = lambda role, now: role is Role.CANARY and (now - began) % 9 >= 5

    def kill(event: record.Event) -> None:
        if is_killed and event.details.get("number") == 6:
            raise Killed

    if is_killed:
        with pytest.raises(Killed):
            story.begin("one", kill)
        ended = story.go_on("two")
    else:
        ended = story.begin("one")
    assert (ended.phase, ended.is_judged_bad) == (Phase.ROLLED_BACK, True)
    assert ended.decision.startswith(
        "the canary has not answered its readiness path for 10 s in all: "
    )
    assert replay_run(story.log, "one").outcome == Phase.ROLLED_BACK


def test_silence_before_a_step_has_its_weight_adds_to_that_while_it_is_observed(
    tmp_path: Path,
) -> None:
    story = Story(tmp_path, Visitors())
    silence = Silence(
        story,
        seconds=0.7 * LIMIT_S,
        after=lambda event: entered(Phase.OBSERVING)(event) or event.details.get("number") == 2,
    )
    ended = story.begin("one", silence)
    assert silence.weights() == ["20 %", "0 %"]
    assert "has not answered its readiness path for 10 s in all" in ended.decision


def test_the_time_without_weight_is_no_time_of_its_step(tmp_path: Path) -> None:
    seconds, story = 8, Story(tmp_path, Visitors())
    silence = Silence(story, seconds)
    ended = story.begin("one", silence)
    assert ended.phase is Phase.PROMOTED
    elapsed_s = [line["details"]["elapsed_at_step_s"] for line in observed(story)[:4]]
    assert elapsed_s == [1, 2, 3, 4]
    (tmp_path / "other").mkdir()
    undisturbed = Story(tmp_path / "other", Visitors()).begin("one")
    assert ended.observed_s == undisturbed.observed_s + 2  # the void poll and the one to warm up
    assert ended.missed_s == pytest.approx(seconds, abs=1.5)


def test_one_whose_process_ends_meanwhile_is_taken_back_at_once(tmp_path: Path) -> None:
    story = Story(tmp_path, Visitors())
    silence = Silence(story, seconds=FOR_EVER)

    def die(event: record.Event) -> None:
        silence(event)
        if event.event == "unready":
            story.target.restarts += 1

    ended = story.begin("one", die)
    assert ended.decision.startswith("the canary's process ended by itself: ")
    assert silence.after_s("transition") < 3


@pytest.mark.parametrize("seconds", [4, FOR_EVER])
@pytest.mark.parametrize("moment", ["unready", "weight-set"])
def test_killed_meanwhile_whoever_goes_on_gives_no_weight_to_a_canary_that_does_not_answer(
    tmp_path: Path, moment: str, seconds: float
) -> None:
    story = Story(tmp_path, Visitors())
    silence = Silence(story, seconds)

    def kill(event: record.Event) -> None:
        silence(event)
        if event.event == moment and story.visitors.now > silence.began:
            raise Killed

    with pytest.raises(Killed):
        story.begin("one", kill)
    given: list[bool] = []

    def told(event: record.Event) -> None:
        if event.event == "weight-set" and event.object != "back 0 %":
            given.append(story.target.is_silent(Role.CANARY, story.visitors.now))

    ended = story.go_on("two", told)
    assert ended.phase is (Phase.PROMOTED if seconds == 4 else Phase.ROLLED_BACK)
    assert True not in given
    assert replay_run(story.log, "one").outcome == ended.phase


@pytest.mark.parametrize("wanted", ["abort", "promote"])
def test_a_person_decides_meanwhile_and_nobody_is_sent_to_a_canary_that_does_not_answer(
    tmp_path: Path, wanted: Wanted
) -> None:
    story = Story(tmp_path, Visitors())
    silence = Silence(story, seconds=FOR_EVER)

    def ask(event: record.Event) -> None:
        silence(event)
        if event.event == "unready":
            story.store.wishes = (wish(wanted),)

    ended = story.begin("one", ask)
    assert ended.phase is Phase.ROLLED_BACK
    assert silence.weights() == ["20 %", "0 %"]
    if wanted == "abort":
        assert ended.decision == "abort was asked for by eve@elsewhere"
        assert not ended.is_judged_bad
    else:
        assert ended.decision.startswith("the canary has not answered its readiness path for 10 s")
        assert ended.is_judged_bad
    assert replay_run(story.log, "one").outcome == Phase.ROLLED_BACK


@pytest.mark.parametrize("seconds", [6, FOR_EVER])
def test_stable_is_not_replaced_while_the_canary_does_not_answer(
    tmp_path: Path, seconds: float
) -> None:
    story = Story(tmp_path, Visitors())
    silence = Silence(story, seconds, after=entered(Phase.PROMOTING))
    ended = story.begin("one", silence)
    if seconds == 6:
        assert ended.phase is Phase.PROMOTED
        assert silence.weights() == ["20 %", "50 %", "0 %", "100 %", "0 %"]
    else:
        assert (ended.phase, ended.is_judged_bad) == (Phase.ROLLED_BACK, True)
        assert "has not answered its readiness path" in ended.decision
        assert silence.weights() == ["20 %", "50 %", "0 %"]
        # Stable has all requests: it is not waited for until they end.
        assert silence.after_s("stopped", "canary") < LIMIT_S + 3


def test_stable_goes_back_without_a_canary_that_does_not_answer_and_at_once(
    tmp_path: Path,
) -> None:
    story = Story(tmp_path, Visitors())
    silence = Silence(story, FOR_EVER, after=entered(Phase.REPLACING))

    def abort(event: record.Event) -> None:
        silence(event)
        if entered(Phase.REPLACING)(event):
            story.store.wishes = (wish("abort"),)

    assert story.begin("one", abort).phase is Phase.ROLLED_BACK
    assert silence.told("unready") == []
    assert silence.after_s("stopped", "canary") < 3


def test_a_poll_that_takes_longer_than_its_interval_says_so_and_on_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story(tmp_path, Visitors())
    look, looks = Target.observe, iter(range(1000))

    def observe(target: Target, component: str) -> Snapshot:
        if next(looks) == 4:
            target.visitors.pass_by(11)
        return look(target, component)

    monkeypatch.setattr(Target, "observe", observe)
    story.begin("one")
    remarks = [line["details"]["remark"] for line in observed(story)]
    slow = "this poll took 12 s instead of 1 s: the machine or the router is slow"
    assert sorted(set(remarks)) == ["", slow]
    assert remarks.count(slow) == 1
    line = observed(story)[remarks.index(slow)]
    assert line["reason"] == f"{line['details']['verdict']['sentence']}; {slow}"
    assert replay_run(story.log, "one").observations == len(remarks)
