"""A canary that cannot serve, does not go away or waits: what becomes of it and of stable."""

from pathlib import Path

import pytest

from deploytool.canary.machine import Phase
from deploytool.canary.observation import Snapshot
from deploytool.errors import NotReady, PlatformFailed
from deploytool.platforms.base import Answer, Role
from deploytool.record import event as record
from deploytool.record.store import Wish
from tests.deploytool.operations.scripted import Killed, Story, Target, Visitors

ABORT = Wish(wanted="abort", run="first", by="second", user="eve", host="elsewhere", since="")


def test_without_a_canary_that_could_cover_it_stable_is_restored_and_nobody_is_sent_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights: list[int] = []

    def set_weight(self: Target, component: str, percent: int, _deadline_s: float) -> str:
        if percent == 100:
            self.running.pop(Role.CANARY, None)
            raise NotReady(f"the canary of {component} is gone", why="somebody deleted it")
        weights.append(percent)
        self.visitors.weight = percent
        return ""

    monkeypatch.setattr(Target, "set_weight", set_weight)
    story = Story(tmp_path, Visitors())
    ended = story.begin("first")
    assert ended.phase is Phase.ROLLED_BACK
    assert "the canary of back is gone" in ended.decision
    assert weights == [20, 50, 0]


def test_what_a_canary_lacks_for_its_share_is_told_and_ends_nothing(tmp_path: Path) -> None:
    story = Story(tmp_path, Visitors())
    story.target.lacking = "it has 1 of the 2 pods for its share: exceeded quota"
    told: list[record.Event] = []
    assert story.begin("first", told.append).phase is Phase.PROMOTED
    lacking = [each for each in told if each.event == "lacking"]
    assert {each.object for each in lacking} == {"back canary"}
    assert {each.reason for each in lacking} == {story.target.lacking}


@pytest.mark.parametrize(
    ("failures", "phase", "end"),
    [(0.5, Phase.ABORTING, Phase.ROLLED_BACK), (0.0, Phase.CLEANING, Phase.PROMOTED)],
)
def test_a_canary_that_does_not_go_away_ends_the_operation_and_resume_goes_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failures: float,
    phase: Phase,
    end: Phase,
) -> None:
    def stop(_self: Target, component: str, role: Role) -> None:
        raise NotReady(f"{component} {role} does not end", why="its pod is still there")

    story = Story(tmp_path, Visitors(canary_failures=failures))
    with monkeypatch.context() as stuck:
        stuck.setattr(Target, "stop", stop)
        with pytest.raises(NotReady, match="back canary does not end") as left:
            story.begin("first")
    assert "`deploytool resume` goes on" in left.value.note
    kept = story.store.load().canary
    assert kept is not None
    assert kept.phase is phase
    assert story.go_on("second").phase is end


@pytest.mark.parametrize("path", ["/version", "/b/items"])
def test_a_canary_that_its_smoke_requests_bring_down_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    bring_down(monkeypatch, path, times=1000)
    ended = Story(tmp_path, Visitors()).begin("first")
    assert ended.phase is Phase.ROLLED_BACK
    assert ended.decision == f"back canary does not answer GET {path}: connection reset"
    assert ended.is_judged_bad


@pytest.mark.parametrize("path", ["/version", "/b/items"])
def test_a_canary_that_leaves_a_few_smoke_requests_without_answer_is_for_the_evidence_to_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    bring_down(monkeypatch, path, times=4)
    assert Story(tmp_path, Visitors()).begin("first").phase is Phase.PROMOTED


@pytest.mark.parametrize(
    ("asked", "phase"),
    [
        ("observe", Phase.STARTING),
        ("weight", Phase.OBSERVING),
        ("observe", Phase.OBSERVING),
        ("weight", Phase.PROMOTING),
        ("observe", Phase.PROMOTING),
        ("weight", Phase.RETURNING),
    ],
)
def test_a_canary_whose_router_is_waited_for_is_taken_back_when_somebody_wants_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, phase: Phase
) -> None:
    story = Story(tmp_path, Visitors())
    answer = getattr(Target, asked)

    def away(self: Target, component: str) -> object:
        canary = self.store.load().canary
        if canary is None or canary.phase is not phase:
            return answer(self, component)
        self.store.wishes = (ABORT,)
        raise PlatformFailed("the router is away", why="connection refused")

    monkeypatch.setattr(Target, asked, away)
    ended = story.begin("first")
    assert ended.phase is Phase.ROLLED_BACK
    assert ended.decision == "abort was asked for by eve@elsewhere"
    assert not ended.is_judged_bad


def test_a_drain_ends_at_once_when_somebody_wants_stable_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    observe = Target.observe

    def busy(self: Target, component: str) -> Snapshot:
        canary = self.store.load().canary
        if canary is not None and canary.phase is Phase.PROMOTING:
            self.visitors.requests[Role.STABLE] += 1
            self.store.wishes = (ABORT,)
        return observe(self, component)

    monkeypatch.setattr(Target, "observe", busy)
    told: list[record.Event] = []
    ended = Story(tmp_path, Visitors()).begin("first", told.append)
    assert ended.phase is Phase.ROLLED_BACK
    assert "promoting -> restoring" in [each.action for each in told]


def test_only_restarts_after_its_start_are_a_crash_of_the_canary(tmp_path: Path) -> None:
    story = Story(tmp_path, Visitors())
    story.target.restarts = 2

    def crash(event: record.Event) -> None:
        if event.event == "step-begun" and event.details["step"] == 1:
            story.target.restarts = 3

    ended = story.begin("first", crash)
    assert ended.phase is Phase.ROLLED_BACK
    assert ended.decision.startswith("the canary's process ended by itself")
    assert ended.step == 1


def test_a_crash_while_nobody_observes_is_seen_by_whoever_goes_on(tmp_path: Path) -> None:
    story = Story(tmp_path, Visitors())
    story.target.restarts = 1

    def die(event: record.Event) -> None:
        if event.event == "observation":
            raise Killed

    with pytest.raises(Killed):
        story.begin("first", die)
    story.target.restarts = 2
    ended = story.go_on("second")
    assert ended.phase is Phase.ROLLED_BACK
    assert ended.decision.startswith("the canary's process ended by itself")


def test_a_crash_is_seen_also_when_the_process_with_the_earlier_ones_was_replaced(
    tmp_path: Path,
) -> None:
    story = Story(tmp_path, Visitors())
    story.target.restarts = 2
    counts = iter([0, 1])

    def be_replaced(event: record.Event) -> None:
        if event.event == "observation":
            story.target.restarts = next(counts, 1)

    assert story.begin("first", be_replaced).phase is Phase.ROLLED_BACK


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.REPLACING, Phase.RETURNING])
def test_what_is_asked_for_while_the_last_action_of_a_phase_is_carried_out_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: Phase
) -> None:
    """Before the cleaning stable is not verified to serve everything: an abort is in time."""
    story = Story(tmp_path, Visitors())
    looks = Target.instance

    def asked(self: Target, component: str, role: Role) -> object:
        canary = self.store.load().canary
        if canary is not None and canary.phase is phase:
            self.store.wishes = (ABORT,)
        return looks(self, component, role)

    set_weight = Target.set_weight

    def asked_after(self: Target, component: str, percent: int, deadline_s: float) -> None:
        set_weight(self, component, percent, deadline_s)
        canary = self.store.load().canary
        if canary is not None and canary.phase is phase:
            self.store.wishes = (ABORT,)

    monkeypatch.setattr(Target, "instance", asked)
    monkeypatch.setattr(Target, "set_weight", asked_after)
    ended = story.begin("first")
    assert ended.phase is Phase.ROLLED_BACK
    assert ended.decision == "abort was asked for by eve@elsewhere"


def bring_down(monkeypatch: pytest.MonkeyPatch, path: str, times: int) -> None:
    """Have the canary break the connection on so many requests for the path."""
    left = [times]
    answer = Target.request

    def request(self: Target, component: str, role: Role, asked: str) -> Answer:
        if role is Role.CANARY and asked == path and left[0]:
            left[0] -= 1
            raise PlatformFailed(f"no answer from {asked}", why="connection reset")
        return answer(self, component, role, asked)

    monkeypatch.setattr(Target, "request", request)


def test_the_time_under_observation_counts_across_an_interruption_without_it(
    tmp_path: Path,
) -> None:
    visitors = Visitors()
    story = Story(tmp_path, visitors)
    polls = 0

    def kill(event: record.Event) -> None:
        nonlocal polls
        polls += event.event == "observation"
        if polls == 3:
            raise Killed

    with pytest.raises(Killed):
        story.begin("first", kill)
    visitors.pass_by(10_000)
    ended = story.go_on("second")
    told = story.log.read_text().count('"event":"observation"')
    assert ended.phase is Phase.PROMOTED
    # the poll at which it was killed was not saved
    assert ended.observed_s == told - 1
    assert story.store.load().ended == ended.model_copy(update={"evidence": None})


@pytest.mark.parametrize(("has_visitors", "least_s"), [(True, 600), (False, 10)])
def test_where_there_are_visitors_a_canary_is_observed_for_ten_minutes(
    tmp_path: Path, has_visitors: bool, least_s: float
) -> None:
    story = Story(tmp_path, Visitors(), has_visitors=has_visitors, least_step_s=None)
    ended = story.begin("first")
    assert ended.phase is Phase.PROMOTED
    assert least_s <= ended.observed_s <= least_s + 10
