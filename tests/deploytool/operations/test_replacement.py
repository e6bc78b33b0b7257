"""A canary that cannot serve: stable goes back all the same."""

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
