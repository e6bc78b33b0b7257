"""Contract migrations on a real target: they wait for what runs, and cut off only once applied."""

from collections.abc import Iterator

import pytest

from deploytool.errors import MigrationFailed
from deploytool.operations import migrations
from deploytool.operations.context import Context
from deploytool.platforms.base import Platform, Role
from deploytool.record.event import Event
from deploytool.record.store import TargetState
from tests.deploytool.platforms.local.conftest import SYSTEM, Place, migrate

NAME = "20270101000000_fewer_things.sql"


class Target:
    """A context that keeps its events, on a target with one stable and one earlier revision."""

    def __init__(self, place: Place, platform: Platform) -> None:
        self.file = place.migrations / "contract" / NAME
        self.platform = platform
        self.events: list[Event] = []
        self.earlier = place.revision(SHADE="grey")
        self.context = Context(SYSTEM, platform, "local", "r1", "up", {}, self.events.append)
        platform.store.save(
            TargetState(stable={"web": place.revision()}, earlier={"web": (self.earlier,)})
        )

    def write(self, statement: str) -> None:
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_text(f"-- migrate:up\n{statement};\n-- migrate:down\n")

    def cut_off(self) -> dict[str, tuple[str, ...]]:
        return migrations.cut_off(self.context, self.platform.store.load())


@pytest.fixture
def target(place: Place, up: Platform) -> Iterator[Target]:
    migrate(up)
    target = Target(place, up)
    yield target
    target.file.unlink()


def test_it_waits_while_anything_but_stable_runs(place: Place, target: Target) -> None:
    target.write("SELECT 1")
    canary = place.start(target.platform, Role.CANARY, SHADE="blue")
    migrations.contract(target.context)
    (note,) = target.events
    assert (note.event, note.object) == ("note", NAME)
    assert note.reason.startswith(f"it waits, as web canary runs {canary.id}, not the stable ")
    assert list(target.platform.pending_migrations("contract")) == [NAME]
    assert target.cut_off() == {}


def test_refused_it_cuts_nothing_off_even_under_another_name(target: Target) -> None:
    target.write("ALTER TABLE nothing DROP n")
    with pytest.raises(MigrationFailed):
        migrations.contract(target.context)
    assert target.platform.store.load().cut_off == {}


def test_meant_it_cuts_nothing_off_until_it_is_applied(target: Target) -> None:
    target.write("ALTER TABLE things ADD less int")
    store = target.platform.store
    # What an operation leaves that was killed between the intent and the migration.
    store.save(store.load().with_cut_off([NAME]))
    assert target.cut_off() == {}
    migrations.contract(target.context)
    assert target.cut_off() == {target.earlier.id: (NAME,)}
    assert [event.event for event in target.events] == ["migrated"]
