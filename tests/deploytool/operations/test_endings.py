"""How a canary ended is told, whatever the look at the data finds afterwards."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploytool.canary.machine import Phase
from deploytool.cli.options import Options
from deploytool.cli.render.canary import show_canary
from deploytool.errors import DeployError, MigrationFailed, PlatformFailed
from deploytool.operations import deliveries, replacement
from deploytool.operations.conclusion import CanaryResult, judged
from deploytool.operations.context import Context
from deploytool.operations.decisions import resume
from deploytool.operations.invariants import known_rows
from deploytool.operations.load import Traffic, run_load
from deploytool.platforms.base import Condition, Instance
from deploytool.record import event as record
from deploytool.record.store import DeployedRelease, TargetState
from deploytool.system.declaration import Invariant
from deploytool.traffic.load.generator import LoadGenerator
from tests.deploytool.operations.scripted import CANARY, STABLE, Story, Visitors, release_of
from tests.deploytool.traffic.load.shop import BUY, Shop, load_of, running_shop

Row = dict[str, object]
CUP: Row = {"sku": "CUP", "reserved": 5, "pending": 3}
PLATE: Row = {"sku": "PLATE", "reserved": 1, "pending": 0}
OPTIONS = Options(target="local", is_json=False, is_sure=False, timeout_s=1)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with running_shop() as running:
        yield running


class Data:
    """A target whose data is looked at: each look finds the next rows, the last ones for ever."""

    def __init__(self, folder: Path, shop: Shop, *looks: list[Row], failures: float = 0.0) -> None:
        self.story = Story(folder, Visitors(canary_failures=failures))
        self.looks = list(looks)
        self.told: list[record.Event] = []
        self._shop = shop
        for name in ("gateway_url", "query", "pending_migrations", "instances", "prepare"):
            setattr(self.story.target, name, getattr(self, name))
        look = self.story.target.instance
        self.story.target.instance = lambda component, role: (  # type: ignore[method-assign]
            look(component, role)
            if component == "back"
            else Instance(component, role, "", Condition.READY, "")
        )

    def gateway_url(self) -> str:
        return self._shop.url

    def query(self, _sql: str) -> list[Row]:
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def prepare(self) -> None:
        pass

    def pending_migrations(self, _kind: str) -> list[str]:
        return []

    def instances(self) -> list[object]:
        return []

    def context(self, run: str) -> Context:
        context = self.story.context(run, self.told.append)
        invariants = (Invariant(name="stock adds up", query="SELECT"),)
        changed = {"load": load_of(BUY), "invariants": invariants}
        return replace(context, system=context.system.model_copy(update=changed))

    def begin(self, run: str = "first") -> CanaryResult:
        context = self.context(run)
        started = self.story.canary(run)
        started = started.model_copy(update={"broken_before": known_rows(context)})
        return judged(context, started, Traffic())

    def reasons(self, event: str) -> list[str]:
        return [each.reason for each in self.told if each.event == event]


def test_rows_that_a_promoted_canary_broke_are_told_after_its_result(
    tmp_path: Path, shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    data = Data(tmp_path, shop, [], [CUP])
    result = data.begin()
    assert (result.canary.phase, result.exit_code) == (Phase.PROMOTED, 1)
    show_canary(OPTIONS, result, 1.0)
    output, errors = capsys.readouterr()
    assert "promoted: back" in output.splitlines()[-1]
    assert "1 invariant of the data broken" in errors
    assert "stock adds up: 1 row, for example {'sku': 'CUP'" in errors
    assert f"`deploytool rollback back` goes back to {result.canary.stable.id}" in errors
    assert "afterwards: 1 invariant" in result.reason
    assert data.reasons("check")[0].startswith("1 invariant of the data broken: stock adds up")


def test_json_output_is_one_object_with_the_result_and_what_was_found(
    tmp_path: Path, shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    show_canary(replace(OPTIONS, is_json=True), Data(tmp_path, shop, [], [CUP]).begin(), 1.0)
    told = json.loads(capsys.readouterr().out)
    assert (told["result"], told["exit_code"]) == ("promoted", 1)
    assert told["failures"][0]["error"] == "check-failed"
    assert told["load"]["broken"][0].startswith("stock adds up")


@pytest.mark.parametrize(("looks", "count"), [([[]], 1), ([[], [CUP]], 0)], ids=["good", "broken"])
def test_with_the_last_canary_its_release_is_promoted_unless_something_is_wrong(
    tmp_path: Path, shop: Shop, looks: list[list[Row]], count: int
) -> None:
    data = Data(tmp_path, shop, *looks)
    file = release_of(tmp_path, ["back"])
    build = file.release.builds["back"]
    # It came from the release.
    begun = data.story.canary
    data.story.canary = lambda run: begun(run).model_copy(  # type: ignore[method-assign]
        update={"canary": CANARY.model_copy(update={"released": build})}
    )
    on_its_way = DeployedRelease(
        digest=file.digest,
        commit=build.commit,
        revisions={"back": CANARY.id},
        images={"back": build.image.digest},
        since="2026-11-24T07:55:00+00:00",
    )
    data.story.store.save(TargetState(release=on_its_way))
    data.begin()
    assert promoted(data) == [file.digest] * count
    # Repeated, as `up` with the same release does: nothing has become better.
    deliveries.arrive(data.context("second"))
    assert promoted(data) == [file.digest] * count
    again = data.begin("third")
    assert (again.exit_code, promoted(data)) == (0, [file.digest])


def promoted(data: Data) -> list[str]:
    return [each.digest for each in data.story.store.load().promoted]


def test_a_release_that_left_broken_data_is_told_as_not_promoted_and_why(
    tmp_path: Path, shop: Shop
) -> None:
    data = Data(tmp_path, shop, [], [CUP])
    data.begin()
    why = deliveries.missing(data.story.store.load())
    assert why.startswith("after back was promoted: 1 invariant of the data broken: stock adds up")


class Cut(BaseException):
    """The process ends."""


@pytest.mark.parametrize(("looks", "faults"), [([[]], []), ([[], [CUP]], ["back"])])
def test_what_a_killed_promotion_left_undone_is_done_by_resume(
    tmp_path: Path, shop: Shop, looks: list[list[Row]], faults: list[str]
) -> None:
    data = Data(tmp_path, shop, *looks)
    killed_after_promotion(data)
    state = data.story.store.load()
    assert state.canary is None
    assert "killed before its end" in deliveries.missing(state)
    result = resume(data.context("second"), Traffic())
    assert (result.canary.phase, result.exit_code) == (Phase.PROMOTED, len(faults))
    state = data.story.store.load()
    assert (state.concluding, list(state.flawed)) == (None, faults)
    with pytest.raises(DeployError, match="no canary on this target"):
        resume(data.context("third"), Traffic())


def test_what_a_rollback_has_left_behind_needs_no_end(tmp_path: Path, shop: Shop) -> None:
    data = Data(tmp_path, shop, [])
    killed_after_promotion(data)
    context, canary = data.context("second"), data.story.canary("second")
    ended = {"phase": Phase.PROMOTED, "steps": (), "stable": CANARY, "canary": STABLE}
    replacement.save(context, canary.model_copy(update=ended))
    assert deliveries.missing(data.story.store.load()) == ""


def killed_after_promotion(data: Data) -> None:
    """Begin a canary, and end its process once its promotion is kept."""

    def cut() -> None:
        if data.story.store.load().ended is not None:
            raise Cut

    data.story.store.on_saved = cut
    with pytest.raises(Cut):
        data.begin()
    data.story.store.on_saved = lambda: None


def test_a_canary_rolled_back_on_evidence_exits_4_whatever_it_left_behind(
    tmp_path: Path, shop: Shop
) -> None:
    result = Data(tmp_path, shop, [], [CUP], failures=0.5).begin()
    assert (result.canary.phase, result.exit_code) == (Phase.ROLLED_BACK, 4)
    assert "rollback" not in result.failures[0].hint


def test_rows_that_were_broken_before_are_told_as_such_and_fail_nothing(
    tmp_path: Path, shop: Shop
) -> None:
    """Their figures go on changing: a row is known by what it is about."""
    data = Data(tmp_path, shop, [CUP], [{**CUP, "reserved": 9, "pending": 7}])
    result = data.begin()
    assert (result.exit_code, result.failures) == (0, ())
    assert result.traffic is not None
    assert result.traffic.broken_before[0].startswith("stock adds up: 1 row")
    assert data.reasons("check") == []
    assert "broken before it began: stock adds up" in data.reasons("note")[0]


def test_new_rows_beside_those_of_before_are_told_apart(tmp_path: Path, shop: Shop) -> None:
    result = Data(tmp_path, shop, [CUP], [CUP, PLATE]).begin()
    [failure] = result.failures
    assert ("PLATE" in failure.why, "CUP" in failure.why) == (True, False)
    assert "CUP" in failure.note


def test_what_services_finish_by_themselves_within_a_while_was_not_broken(
    tmp_path: Path, shop: Shop
) -> None:
    assert Data(tmp_path, shop, [], [CUP], [CUP], []).begin().exit_code == 0


def test_what_a_canary_broke_before_its_interruption_is_not_told_as_older_than_it(
    tmp_path: Path, shop: Shop
) -> None:
    data = Data(tmp_path, shop, [CUP], [CUP, PLATE])
    first = data.context("first")
    started = data.story.canary("first")
    started = started.model_copy(update={"broken_before": known_rows(first)})
    replacement.save(first, started)
    kept = data.story.store.load().canary
    assert kept is not None
    result = judged(data.context("second"), kept, Traffic())
    assert "PLATE" in result.failures[0].why


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        (PlatformFailed("the database does not answer", why="it is down"), "it is down"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_data_that_cannot_be_looked_at_changes_nothing_in_the_result(
    tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch, trouble: BaseException, why: str
) -> None:
    data = Data(tmp_path, shop, [])

    def query(_sql: str) -> Any:
        raise trouble

    context = data.context("first")
    monkeypatch.setattr(data.story.target, "query", query, raising=False)
    result = judged(context, data.story.canary("first"), Traffic())
    assert (result.canary.phase, result.exit_code) == (Phase.PROMOTED, 0)
    assert result.traffic is not None
    assert why in result.traffic.not_seen


def test_whoever_does_not_wait_for_the_last_requests_learns_the_result(
    tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = LoadGenerator.stop

    def interrupted(generator: LoadGenerator, _: float) -> None:
        stop(generator, 0)  # what would end with the process
        raise KeyboardInterrupt

    monkeypatch.setattr(LoadGenerator, "stop", interrupted)
    result = Data(tmp_path, shop, [], [CUP]).begin()
    assert (result.canary.phase, result.exit_code) == (Phase.PROMOTED, 0)
    assert result.traffic is not None
    assert "interrupted" in result.traffic.not_seen


@pytest.mark.parametrize(("failures", "exit_code"), [(0.0, 1), (0.5, 4)])
def test_a_target_that_is_away_after_the_decision_hides_no_result(
    tmp_path: Path,
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    failures: float,
    exit_code: int,
) -> None:
    data = Data(tmp_path, shop, [], failures=failures)
    stop = LoadGenerator.stop

    def load() -> Any:
        raise PlatformFailed("the API server does not answer", why="connection refused")

    def go_away(generator: LoadGenerator, patience_s: float) -> Any:
        ended = stop(generator, patience_s)
        monkeypatch.setattr(data.story.store, "load", load)
        return ended

    monkeypatch.setattr(LoadGenerator, "stop", go_away)
    result = data.begin()
    assert result.exit_code == exit_code
    assert [each.why for each in result.failures] == ["connection refused"]
    assert "afterwards: the API server does not answer" in result.reason


def test_a_log_that_is_full_after_the_decision_hides_no_result(tmp_path: Path, shop: Shop) -> None:
    data = Data(tmp_path, shop, [])
    log = data.story.log

    def fill(event: record.Event) -> None:
        if event.result == Phase.PROMOTED:
            log.unlink()
            log.symlink_to("/dev/full")

    context = data.context("first")
    journal = context.emit

    def emit(event: record.Event) -> None:
        journal(event)
        fill(event)

    result = judged(replace(context, emit=emit), data.story.canary("first"), Traffic())
    assert (result.canary.phase, result.exit_code) == (Phase.PROMOTED, 1)
    assert "No space left on device" in result.failures[0].why


def test_a_contract_migration_that_is_refused_does_not_hide_the_promotion(
    tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = Data(tmp_path, shop, [])

    def refused(_kind: str) -> Any:
        raise MigrationFailed("drop.sql was refused", why="it is in use")

    monkeypatch.setattr(data.story.target, "pending_migrations", refused, raising=False)
    result = data.begin()
    assert (result.canary.phase, result.exit_code) == (Phase.PROMOTED, 1)
    assert result.failures[0].what == "drop.sql was refused"
    assert "is stable all the same" in result.failures[0].note


def test_a_load_tells_what_it_met_and_then_what_is_broken(tmp_path: Path, shop: Shop) -> None:
    data = Data(tmp_path, shop, [CUP], [CUP, PLATE])
    context = data.context("first")
    result = run_load(context, Traffic(), 1.0)
    assert result.failure is not None
    assert "PLATE" in result.failure.why
