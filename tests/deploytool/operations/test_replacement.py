"""A canary that cannot serve, or does not go away: what becomes of stable and of the canary."""

from pathlib import Path

import pytest

from deploytool.canary.machine import Phase
from deploytool.errors import NotReady, PlatformFailed
from deploytool.platforms.base import Answer, Role
from tests.deploytool.operations.scripted import Story, Target, Visitors


def test_without_a_canary_that_could_cover_it_stable_is_restored_and_nobody_is_sent_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights: list[int] = []

    def set_weight(self: Target, component: str, percent: int, _deadline_s: float) -> None:
        if percent == 100:
            self.running.pop(Role.CANARY, None)
            raise NotReady(f"the canary of {component} is gone", why="somebody deleted it")
        weights.append(percent)
        self.visitors.weight = percent

    monkeypatch.setattr(Target, "set_weight", set_weight)
    story = Story(tmp_path, Visitors())
    ended = story.begin("first")
    assert ended.phase is Phase.ROLLED_BACK
    assert "the canary of back is gone" in ended.decision
    assert weights == [20, 50, 0]


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
