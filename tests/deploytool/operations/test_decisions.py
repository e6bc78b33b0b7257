"""What a person can decide about a canary that another version of the tool began."""

from pathlib import Path

import pytest

from deploytool.canary.machine import Event, Phase
from deploytool.errors import DeployError
from deploytool.operations.decisions import resume
from deploytool.operations.load import Traffic
from deploytool.operations.replay import replay_run
from deploytool.record import event as record
from tests.deploytool.operations.scripted import Killed, Story, Visitors


@pytest.fixture
def interrupted(tmp_path: Path) -> Story:
    """Return the story of a canary that ended amid a step, with evidence of another version."""
    story = Story(tmp_path, Visitors())

    def kill(event: record.Event) -> None:
        if event.details.get("number") == 3:
            raise Killed

    with pytest.raises(Killed):
        story.begin("one", kill)
    story.store.forget_share()
    return story


@pytest.mark.parametrize("phase", [Phase.OBSERVING, Phase.HELD])
def test_it_does_not_go_on_with_less_evidence_than_it_had(interrupted: Story, phase: Phase) -> None:
    state = interrupted.store.load()
    assert state.canary is not None
    held = state.canary.model_copy(update={"phase": phase})
    interrupted.store.save(state.model_copy(update={"canary": held}))
    with pytest.raises(DeployError, match="cannot be read") as refused:
        resume(interrupted.context("two"), Traffic())
    assert "another version of deploytool" in refused.value.why
    assert "`deploytool abort`" in refused.value.hint
    assert interrupted.store.load().canary == held


@pytest.mark.parametrize(
    ("decision", "phase"),
    [(Event.ABORT, Phase.ROLLED_BACK), (Event.PROMOTE, Phase.PROMOTED)],
)
def test_it_can_be_taken_back_or_promoted(
    interrupted: Story, decision: Event, phase: Phase
) -> None:
    assert interrupted.go_on("two", decision=decision).phase is phase
    assert interrupted.store.load().canary is None
    assert replay_run(interrupted.log, "one").outcome == phase
