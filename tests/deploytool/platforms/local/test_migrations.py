"""Migrations on a real PostgreSQL: told apart, giving way to others, done once, and ended."""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from deploytool.errors import InvalidInput, MigrationFailed
from deploytool.operations import migrations
from deploytool.operations.context import Context
from deploytool.operations.plan import make_plan
from deploytool.operations.up import bring_up
from deploytool.operations.verify import verify
from deploytool.platforms.base import Platform, Role
from deploytool.platforms.migration_sessions import APPLICATION
from deploytool.record.event import Event
from tests.deploytool.platforms.local.conftest import SYSTEM, Place, migrate

ADD = "ALTER TABLE things ADD note text"


class Database:
    """The target's database, and the files of its expand migrations.

    told: what migrations waited for. began: when they were begun.
    """

    def __init__(self, place: Place, platform: Platform) -> None:
        self.place = place
        self.platform = platform
        self.folder = place.migrations / "expand"
        self.told: list[tuple[str, str]] = []
        self.events: list[Event] = []
        self.context = Context(
            SYSTEM, platform, "local", "r1", "up", {}, self.events.append, deadline_s=20
        )

    def write(self, name: str, statement: str, options: str = "") -> Path:
        path = self.folder / name
        path.write_text(f"-- migrate:up {options}\n{statement};\n-- migrate:down\n")
        return path

    def connect(self, name: str = "somebody") -> psycopg.Connection:
        port = self.platform.instance("store", Role.STABLE).address.rpartition(":")[2]
        password = (self.place.folder / "secrets/store-owner").read_text()
        where = f"host=127.0.0.1 port={port} user=owner dbname=test application_name={name}"
        return psycopg.connect(where, password=password, autocommit=True)

    def value(self, query: str) -> object:
        (row,) = self.platform.query(query)
        (value,) = row.values()
        return value

    def sessions(self) -> object:
        return self.value(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'migrations-%'"
        )

    def migrate(self, deadline_s: float = 30) -> list[str]:
        return migrate(
            self.platform,
            deadline_s=deadline_s,
            tell=lambda name, why: self.told.append((name, why)),
        )


@pytest.fixture
def database(place: Place) -> Iterator[Database]:
    """The database as the first migration leaves it."""
    first = {path.name for path in (place.migrations / "expand").iterdir()}
    with place.open() as platform:
        platform.prepare()
        platform.start_foundation(60)
        database = Database(place, platform)
        migrate(platform)
        yield database
        with database.connect() as owner:
            owner.execute("DROP TABLE things, schema_migrations")
        for path in database.folder.iterdir():
            if path.name not in first:
                path.unlink()


@pytest.mark.parametrize(
    "refused",
    [
        lambda database: make_plan(database.context, database.platform.store.load()),
        lambda database: bring_up(database.context, database.platform.store.load()),
        lambda database: database.migrate(),
    ],
)
def test_two_files_with_one_version_are_refused_by_name_before_anything_is_done(
    database: Database, refused: Callable[[Database], object]
) -> None:
    database.write("20270101000000_first.sql", ADD)
    second = database.write("20270101000000_second.sql", "SELECT 1")
    with pytest.raises(InvalidInput) as refusal:
        refused(database)
    assert "20270101000000_first.sql and 20270101000000_second.sql" in refusal.value.why
    assert str(refusal.value.place) == str(second)
    assert database.value("SELECT count(*) FROM schema_migrations") == 1
    found = [check.found for check in verify(database.context) if check.is_true is False]
    assert any("20270101000000_second.sql" in each for each in found)


def test_a_lower_version_that_is_merged_after_a_higher_one_is_applied(database: Database) -> None:
    database.write("20270202000000_higher.sql", "SELECT 1")
    database.migrate()
    lower = database.write("20270101000000_lower.sql", ADD)
    assert database.platform.pending_migrations("expand") == [lower.name]
    assert database.migrate() == [lower.name]
    assert database.value("SELECT count(note) FROM things") == 0


def test_a_migration_gives_way_to_others_and_names_who_stands_in_its_way(
    database: Database,
) -> None:
    file = database.write("20270101000000_note.sql", ADD)
    waits: list[float] = []

    def tell(name: str, why: str) -> None:
        database.told.append((name, why))
        if len(database.told) == 1:
            return
        # It has given way: a visitor is served, though the lock is still held.
        began = time.monotonic()
        visitor.execute("SELECT n FROM things")
        waits.append(time.monotonic() - began)
        holder.rollback()

    with database.connect() as holder, database.connect() as visitor:
        holder.autocommit = False
        holder.execute("SELECT n AS held FROM things")
        pid = holder.info.backend_pid
        assert migrate(database.platform, tell=tell) == [file.name]
    (name, why), (_, again) = database.told
    assert name == file.name
    assert why.startswith(f"it waits for session {pid} (owner, somebody), idle in transaction for ")
    assert why.endswith(" s: SELECT n AS held FROM things")
    assert again == "its lock was not free: it gives way, and is tried again in 1 s"
    assert max(waits) < 0.5


def test_the_deadline_ends_it_in_the_database_too(database: Database) -> None:
    file = database.write("20270101000000_note.sql", ADD)
    with database.connect() as holder:
        holder.autocommit = False
        holder.execute("SELECT n AS held FROM things")
        began = time.monotonic()
        with pytest.raises(MigrationFailed) as failure:
            database.migrate(deadline_s=5)
        assert time.monotonic() - began < 7
    assert failure.value.what == f"the expand migration {file.name} was not done within 5 s"
    assert "SELECT n AS held FROM things" in failure.value.why
    assert database.sessions() == 0


def test_an_interruption_ends_it_in_the_database_too(database: Database) -> None:
    database.write("20270101000000_note.sql", ADD)

    def interrupt(_name: str, _why: str) -> None:
        raise KeyboardInterrupt

    with database.connect() as holder:
        holder.autocommit = False
        holder.execute("SELECT n FROM things")
        with pytest.raises(KeyboardInterrupt):
            migrate(database.platform, tell=interrupt)
        assert database.sessions() == 0


def test_an_interruption_does_not_end_what_somebody_else_has_started_from_the_image(
    database: Database,
) -> None:
    database.write("20270101000000_note.sql", ADD)
    others: list[psycopg.Connection] = []

    def interrupt(_name: str, _why: str) -> None:
        others.append(database.connect("migrations"))
        raise KeyboardInterrupt

    with database.connect() as holder:
        holder.autocommit = False
        holder.execute("SELECT n FROM things")
        with pytest.raises(KeyboardInterrupt):
            migrate(database.platform, tell=interrupt)
    [other] = others
    with other:
        assert other.execute("SELECT 1").fetchone() == (1,)


def test_what_is_no_transaction_is_not_tried_again_by_itself(database: Database) -> None:
    statement = "UPDATE things SET n = n + 1; COMMIT; LOCK TABLE held"
    file = database.write("20270101000000_more.sql", statement, "transaction:false")
    with database.connect() as holder:
        holder.execute("CREATE TABLE held (n int)")
        holder.autocommit = False
        holder.execute("LOCK TABLE held")
        with pytest.raises(MigrationFailed) as failure:
            database.migrate()
    assert file.name in failure.value.what
    assert "it is not one transaction" in failure.value.note
    assert database.value("SELECT n FROM things") == 8


def test_what_a_killed_tool_has_begun_is_waited_for_and_not_done_twice(database: Database) -> None:
    statement = "UPDATE things SET n = n + 1; SELECT pg_sleep(3)"
    file = database.write("20270101000000_more.sql", statement, "transaction:false")

    def tool() -> None:
        with database.place.open() as platform:
            migrate(platform)

    killed = multiprocessing.get_context("fork").Process(target=tool)
    killed.start()
    while database.sessions() == 0:
        time.sleep(0.05)
    killed.kill()
    killed.join()
    assert database.migrate() == [file.name]
    assert database.told[0][0] == file.name
    assert f"(owner, {APPLICATION}), active for " in database.told[0][1]
    assert database.value("SELECT n FROM things") == 8
    assert database.value("SELECT count(*) FROM schema_migrations") == 2


def test_a_half_built_index_is_found_after_the_migration_and_by_verify(database: Database) -> None:
    statement = "CREATE INDEX CONCURRENTLY IF NOT EXISTS things_n ON things (n)"
    database.write("20270101000000_index.sql", statement, "transaction:false")
    with database.connect() as holder:
        holder.autocommit = False
        holder.execute("UPDATE things SET n = n")
        with pytest.raises(MigrationFailed) as gave_way:
            migrations.expand(database.context)
    half = "index public.things_n of things is only half built"
    assert half in gave_way.value.note
    # It is there now, so PostgreSQL passes over it.
    with pytest.raises(MigrationFailed) as refused:
        migrations.expand(database.context)
    assert half in refused.value.why
    assert "`REINDEX INDEX CONCURRENTLY public.things_n`" in refused.value.hint

    def verified() -> list[str]:
        checks = verify(database.context)
        return [each.found for each in checks if each.statement == "has no half-built index"]

    assert half in verified()[0]
    with database.connect() as owner:
        owner.execute("REINDEX INDEX CONCURRENTLY public.things_n")
    assert verified() == ["all are whole"]
