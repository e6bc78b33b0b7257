"""A past canary comes out again from its record alone; a record that was changed does not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploytool.canary.machine import Event, Phase
from deploytool.errors import CheckFailed, InvalidInput
from deploytool.operations.replay import replay_run
from deploytool.record import event as record
from deploytool.record.chain import End, continued, end_of
from deploytool.record.journal import encoded
from tests.deploytool.operations.scripted import Killed, Story, Visitors

HEALTHY = Visitors


def failing() -> Visitors:
    return Visitors(canary_failures=0.3)


def slow() -> Visitors:
    return Visitors(canary_latency_s=0.1)


def never_enough() -> Visitors:
    return Visitors(canary_failures=0.0015)


@pytest.fixture
def promoted(tmp_path: Path) -> Story:
    story = Story(tmp_path, HEALTHY())
    assert story.begin("one").phase is Phase.PROMOTED
    return story


def lines_of(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def forge(log: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Change the record and compute every hash again, as somebody who knows how would."""
    lines = lines_of(log)
    change(lines)
    content = b""
    for line in lines:
        line.pop("hash", None)
        content += continued(end_of(content) or End(), encoded(line))
    log.write_bytes(content)


def index_of(lines: list[dict[str, Any]], **fields: str) -> int:
    """Where the first line with these fields is."""
    return next(
        index
        for index, line in enumerate(lines)
        if all(line.get(name) == value for name, value in fields.items())
    )


def observed(log: Path) -> int:
    return sum(line.get("event") == "observation" for line in lines_of(log))


@pytest.mark.parametrize(
    ("visitors", "phase", "decision"),
    [
        (HEALTHY, Phase.PROMOTED, "promote"),
        (failing, Phase.ROLLED_BACK, "rollback"),
        (slow, Phase.ROLLED_BACK, "rollback"),
    ],
)
def test_every_figure_of_a_canary_comes_out_again(
    tmp_path: Path, visitors: Callable[[], Visitors], phase: Phase, decision: str
) -> None:
    story = Story(tmp_path, visitors())
    story.begin("one")
    result = replay_run(story.log, "one")
    assert (result.outcome, result.decision) == (phase, decision)
    assert result.observations == observed(story.log)
    assert result.figures > 50 * result.observations
    assert result.lines == len(lines_of(story.log))
    assert (result.torn, result.open_runs) == ((), ())


def test_a_held_canary_that_was_resumed_and_promoted_by_a_person_comes_out_again(
    tmp_path: Path,
) -> None:
    story = Story(tmp_path, HEALTHY(), steps=(1,))
    assert story.begin("one").phase is Phase.HELD
    held = replay_run(story.log, "one")
    assert (held.outcome, held.decision) == ("held", "hold")
    assert story.go_on("two").phase is Phase.HELD
    assert story.go_on("three", decision=Event.PROMOTE).phase is Phase.PROMOTED
    result = replay_run(story.log, "one")
    assert (result.outcome, result.decision) == (Phase.PROMOTED, "hold")
    assert result.observations == observed(story.log) > held.observations


def test_a_router_that_restarts_in_the_middle_comes_out_again(tmp_path: Path) -> None:
    story = Story(tmp_path, HEALTHY())

    def told(event: record.Event) -> None:
        if event.event == "observation" and event.details["number"] == 5:
            story.visitors.restart_router()

    assert story.begin("one", told).phase is Phase.PROMOTED
    seen = [line for line in lines_of(story.log) if line.get("event") == "observation"]
    polls = [line["details"]["poll"] for line in seen]
    assert sum("reason" in poll for poll in polls) == 1
    assert replay_run(story.log, "one").observations == len(polls)


def killed_at(count: int) -> Callable[..., None]:
    """Kill at the count-th call, counted from 1."""
    calls = iter(range(1, count + 1))

    def call(*_: object) -> None:
        if next(calls, 0) == count:
            raise Killed

    return call


@pytest.mark.parametrize("visitors", [HEALTHY, failing])
def test_a_canary_killed_at_any_moment_and_resumed_comes_out_again(
    tmp_path: Path, visitors: Callable[[], Visitors]
) -> None:
    whole = Story(tmp_path / "whole", visitors())
    end = whole.begin("one").phase
    # After each event that is on record and before what it says is saved, and after each saving.
    events = len(lines_of(whole.log)) - 1
    voided = 0
    for moment in range(3, events):
        story = Story(tmp_path / f"event-{moment}", visitors())
        with pytest.raises(Killed):
            story.begin("one", killed_at(moment))
        if story.store.load().canary is not None:
            assert story.go_on("two").phase is end
        result = replay_run(story.log, "one")
        assert result.observations == observed(story.log)
        assert result.open_runs == ("one",)
        numbers = [
            line["details"]["number"]
            for line in lines_of(story.log)
            if line.get("event") == "observation"
        ]
        voided += len(numbers) != len({*numbers})
    assert voided > 3


def test_a_canary_killed_after_any_saving_and_resumed_comes_out_again(tmp_path: Path) -> None:
    savings = []
    whole = Story(tmp_path / "whole", HEALTHY())
    whole.store.on_saved = lambda: savings.append(1)
    whole.begin("one")
    for moment in range(1, len(savings)):
        story = Story(tmp_path / f"saved-{moment}", HEALTHY())
        story.store.on_saved = killed_at(moment)
        with pytest.raises(Killed):
            story.begin("one")
        story.store.on_saved = lambda: None
        assert story.go_on("two").phase is Phase.PROMOTED
        assert replay_run(story.log, "one").observations == observed(story.log)


@pytest.mark.parametrize("first", range(10, 16))
def test_what_two_machines_observed_by_turns_comes_out_again_on_the_record_of_each(
    tmp_path: Path, first: int
) -> None:
    story, other = Story(tmp_path / "one", HEALTHY()), tmp_path / "other" / "operations.log"
    with pytest.raises(Killed):
        story.begin("one", killed_at(first))
    with pytest.raises(Killed):
        story.go_on("two", killed_at(8), log=other)
    with pytest.raises(Killed):
        story.go_on("three", killed_at(8))
    assert story.go_on("four", log=other).phase is Phase.PROMOTED
    for log in (story.log, other):
        result = replay_run(log, "one")
        assert result.observations == observed(log) > 0
        assert result.elsewhere > 0
    assert replay_run(other, "one").outcome == Phase.PROMOTED


def set_in(line: dict[str, Any], path: str, value: object) -> None:
    """Set what stands at a path of a line, for example details.verdict.metric."""
    *folders, name = path.split(".")
    for folder in folders:
        line = line[folder]
    line[name] = value


@pytest.mark.parametrize(
    ("event", "change", "field"),
    [
        ("observation", "details.verdict.figures.e_value=0.123", "details.verdict.figures.e_value"),
        ("observation", "details.verdict.decision=rollback", "details.verdict.decision"),
        ("observation", "details.poll.canary.requests.200=1", "details.verdict."),
        ("observation", "details.number=2", "details.number"),
        ("observation", "details.poll=7", "details.poll"),
        ("observation", "reason=all is well", "reason"),
        ("observation", "result=rollback", "result"),
        ("observation", "action=step 1/2", "action"),
        ("evidence-begun", "details.policy.alpha=0.02", "details.verdict."),
        ("evidence-begun", "details.policy.alpha=2", "details.policy.alpha"),
        ("evidence-begun", "details.weights_percent=[30, 50]", "details.weight"),
        ("step-begun", "details.step=0", "details"),
        ("step-begun", "details.polls=9", "details.polls"),
        ("verdict", "details.figures.upper_bound=0.001", "details.figures.upper_bound"),
        ("verdict", "result=rollback", "result"),
        ("transition", "result=nowhere", "details"),
        ("transition", "details.weight=30", "details.weight"),
    ],
)
def test_a_forged_figure_is_found_though_every_hash_fits(
    promoted: Story, event: str, change: str, field: str
) -> None:
    path, _, text = change.partition("=")
    value = json.loads(text) if text[0] in "0123456789[" else text
    # The last one: the first polls are dropped, so that nothing hangs on what they say.
    last = max(n for n, line in enumerate(lines_of(promoted.log)) if line.get("event") == event)
    forge(promoted.log, lambda lines: set_in(lines[last], path, value))
    with pytest.raises(CheckFailed, match="does not come out as recorded") as found:
        replay_run(promoted.log, "one")
    assert found.value.why.startswith(field)
    assert str(found.value.place).startswith(f"{promoted.log}:")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("polls=1", "details.evidence.polls"),
        ("in_total.canary.requests.200=1", "details.verdict.figures."),
    ],
)
def test_forged_evidence_of_another_process_is_found(
    tmp_path: Path, change: str, field: str
) -> None:
    story = Story(tmp_path, HEALTHY(), steps=(1,))
    assert story.begin("one").phase is Phase.HELD
    assert story.go_on("two").phase is Phase.HELD
    path, _, text = change.partition("=")
    line = index_of(lines_of(story.log), event="evidence-continued")
    forge(
        story.log, lambda lines: set_in(lines[line], f"details.evidence.{path}", json.loads(text))
    )
    with pytest.raises(CheckFailed, match="does not come out as recorded") as found:
        replay_run(story.log, "one")
    assert found.value.why.startswith(field)


def test_a_difference_names_line_field_and_both_values(promoted: Story) -> None:
    number = index_of(lines_of(promoted.log), event="observation")
    forge(
        promoted.log,
        lambda lines: set_in(lines[number], "details.verdict.figures.e_value", 0.5),
    )
    with pytest.raises(CheckFailed) as found:
        replay_run(promoted.log, "one")
    assert str(found.value.place) == f"{promoted.log}:{number + 1}"
    why = "details.verdict.figures.e_value: recorded 0.5, computed "
    assert found.value.why.startswith(why)
    assert float(found.value.why.removeprefix(why)) == pytest.approx(1)


def test_a_promotion_without_a_verdict_that_allows_it_is_found(tmp_path: Path) -> None:
    story = Story(tmp_path, failing())
    story.begin("one")

    def turn(lines: list[dict[str, Any]]) -> None:
        line = lines[index_of(lines, event="transition", result="aborting")]
        line.update(result="promoting")
        line["details"]["weight"] = 100

    forge(story.log, turn)
    with pytest.raises(CheckFailed) as found:
        replay_run(story.log, "one")
    assert found.value.why == 'result: recorded "promoting", computed "aborting"'


@pytest.mark.parametrize("event", ["evidence-begun", "step-begun", "observation", "verdict"])
def test_an_event_that_is_left_out_is_found_though_every_hash_fits(
    promoted: Story, event: str
) -> None:
    forge(promoted.log, lambda lines: lines.pop(index_of(lines, event=event)))
    with pytest.raises(CheckFailed):
        replay_run(promoted.log, "one")


def test_a_step_without_a_verdict_is_found(promoted: Story) -> None:
    def insert(lines: list[dict[str, Any]]) -> None:
        moved = lines[index_of(lines, event="transition", action="step 1/2 -> step 2/2")]
        lines.insert(index_of(lines, event="step-begun") + 1, json.loads(json.dumps(moved)))

    forge(promoted.log, insert)
    with pytest.raises(CheckFailed) as found:
        replay_run(promoted.log, "one")
    assert "there is no verdict that says so" in found.value.why


def test_a_changed_byte_is_named_with_its_line_and_with_the_figure_it_is_in(
    promoted: Story,
) -> None:
    lines = promoted.log.read_bytes().splitlines(keepends=True)
    number = index_of(lines_of(promoted.log), event="observation")
    lines[number] = lines[number].replace(b'"e_limit":100.', b'"e_limit":900.', 1)
    promoted.log.write_bytes(b"".join(lines))
    with pytest.raises(CheckFailed, match="not as it was written") as found:
        replay_run(promoted.log, "one")
    assert str(found.value.place) == f"{promoted.log}:{number + 1}"
    assert "e_limit: recorded 900.0, computed 100.0" in found.value.note


def test_a_canary_that_lies_wholly_before_a_changed_line_is_verified(tmp_path: Path) -> None:
    story = Story(tmp_path, HEALTHY())
    story.begin("one")
    count = len(lines_of(story.log))
    story.begin("two")
    lines = story.log.read_bytes().splitlines(keepends=True)
    lines[count + 3] = lines[count + 3].replace(b'"user":"', b'"user":"not-')
    story.log.write_bytes(b"".join(lines))
    result = replay_run(story.log, "one")
    assert (result.outcome, result.lines) == (Phase.PROMOTED, count + 3)
    assert result.broken is not None
    assert str(result.broken.place) == f"{story.log}:{count + 4}"
    with pytest.raises(CheckFailed, match="is not as it was written"):
        replay_run(story.log, "two")


def test_a_cut_off_end_leaves_the_run_unfinished(promoted: Story) -> None:
    lines = promoted.log.read_bytes().splitlines(keepends=True)
    promoted.log.write_bytes(b"".join(lines[:-3]))
    result = replay_run(promoted.log, "one")
    assert (result.outcome, result.open_runs) == ("unfinished", ("one",))


def test_a_piece_of_a_line_that_a_killed_writer_left_is_named_and_no_fault(
    promoted: Story,
) -> None:
    promoted.log.write_bytes(promoted.log.read_bytes() + b'{"time":"2026-')
    result = replay_run(promoted.log, "one")
    assert [damage.place.line for damage in result.torn] == [result.lines + 1]


def test_without_evidence_the_chain_is_what_there_is_to_check(tmp_path: Path) -> None:
    story = Story(tmp_path, HEALTHY(), steps=())
    assert story.begin("one").phase is Phase.PROMOTED
    result = replay_run(story.log, "one")
    assert (result.observations, result.figures, result.decision) == (0, 0, "")
    assert (result.outcome, result.lines) == (Phase.PROMOTED, len(lines_of(story.log)))


def test_other_canaries_on_the_same_record_do_not_matter(tmp_path: Path) -> None:
    Story(tmp_path, HEALTHY()).begin("one")
    story = Story(tmp_path, failing())
    story.begin("two")
    assert replay_run(story.log, "one").decision == "promote"
    assert replay_run(story.log, "two").decision == "rollback"


def test_an_unknown_run_is_told_the_latest_canaries(promoted: Story) -> None:
    with pytest.raises(InvalidInput, match="no canary began in run nine") as refused:
        replay_run(promoted.log, "nine")
    assert refused.value.hint == "the latest are one"
