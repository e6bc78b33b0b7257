"""A canary that cannot serve, or does not go away: what becomes of stable and of the canary."""

from pathlib import Path

import pytest

from deploytool.canary.machine import Phase
from deploytool.errors import NotReady
from deploytool.platforms.base import Role
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
