"""Which migrations are pending, and what is said of those that fail."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import NoReturn

import pytest

from deploytool.errors import InvalidInput, MigrationFailed, NotReady
from deploytool.platforms.base import MigrationKind
from deploytool.platforms.migrations import File, Migrations


@dataclass
class Database:
    """A database in memory, and a dbmate that applies what it is told to. asked: in SQL."""

    folder: Path
    applied: dict[MigrationKind, list[str]] = field(
        default_factory=lambda: {"expand": [], "contract": []}
    )
    applies: dict[MigrationKind, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    says: str = ""

    def query(self, sql: str) -> list[dict[str, object]]:
        self.asked.append(sql)
        if "pg_stat_activity" in sql:
            return []
        if "to_regclass" in sql:
            return [{kind: bool(versions) for kind, versions in self.applied.items()}]
        assert all(self.applied[kind] or f"{kind}_migrations" not in sql for kind in self.applied)
        return [{kind: versions for kind, versions in self.applied.items() if versions}]

    def run(self, kind: MigrationKind, _look: Callable[[], None]) -> "CompletedProcess[str]":
        self.applied[kind] += self.applies.get(kind, [])
        return CompletedProcess([], bool(self.says), "", self.says)

    def write(self, kind: MigrationKind, *names: str) -> None:
        (self.folder / kind).mkdir(exist_ok=True)
        for name in names:
            (self.folder / kind / name).write_text("-- migrate:up\n")

    def migrations(self) -> Migrations:
        return Migrations(self.folder, self.query, self.run, str, 2)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path)


def say_nothing(_name: str, _why: str) -> None:
    """Nobody listens."""


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_pending_migrations_are_those_not_applied_in_order(database: Database) -> None:
    database.write("expand", "20260103_c.sql", "20260101_a.sql", "20260102_b.sql", "README.md")
    database.applied["expand"] = ["20260102"]
    migrations = database.migrations()
    assert names(migrations.pending("expand")) == ["20260101_a.sql", "20260103_c.sql"]
    database.asked.clear()
    assert migrations.pending("contract") == []
    assert database.asked == []  # of a kind without files there is nothing to ask


def test_two_files_of_a_kind_with_one_version_are_named(database: Database) -> None:
    database.write("expand", "20260101_a.sql")
    database.write("contract", "20260101_a.sql", "20260102.sql", "20260102_b.sql")
    with pytest.raises(InvalidInput) as refused:
        database.migrations().require_distinct()
    assert refused.value.what == "two contract migrations have the version 20260102"
    assert refused.value.why.startswith("20260102.sql and 20260102_b.sql: ")


def test_a_database_that_is_only_being_made_lacks_all_and_cannot_be_asked(
    database: Database,
) -> None:
    database.write("contract", "20260101_c.sql")

    def query(sql: str) -> NoReturn:
        raise AssertionError(f"there is no database yet to answer {sql}")

    migrations = Migrations(database.folder, query, database.run, str, 2)
    migrations.expect_none_applied()
    assert names(migrations.pending("contract")) == ["20260101_c.sql"]


def test_a_database_is_asked_once_for_both_kinds_until_something_is_applied(
    database: Database,
) -> None:
    database.write("expand", "20260101_e.sql")
    database.write("contract", "20260101_c.sql")
    database.applies = {"expand": ["20260101"]}
    migrations = database.migrations()

    assert len(migrations.pending("expand")) == len(migrations.pending("contract")) == 1
    assert len(database.asked) == 1
    assert migrations.apply("expand", 9, say_nothing) == ["20260101_e.sql"]
    assert (migrations.pending("expand"), len(migrations.pending("contract"))) == ([], 1)


@pytest.mark.parametrize(
    ("says", "what"),
    [
        ("Applying: 2_b.sql\nError: pq: no (42P01)", "expand migration 2_b.sql was refused"),
        ("Error: no password", "expand migration 1_a.sql was not begun"),
    ],
)
def test_a_failure_names_the_file(database: Database, says: str, what: str) -> None:
    database.write("expand", "1_a.sql", "2_b.sql")
    database.says = says
    with pytest.raises(MigrationFailed, match=what) as failure:
        database.migrations().apply("expand", 9, say_nothing)
    assert failure.value.why == says.splitlines()[-1]


def test_a_platform_that_cannot_run_dbmate_names_the_file(database: Database) -> None:
    database.write("expand", "1_a.sql")

    def run(_kind: MigrationKind, _look: Callable[[], None]) -> NoReturn:
        raise NotReady("Job/migrations did not start", why="no such image", hint="build it")

    migrations = Migrations(database.folder, database.query, run, str, 2)
    with pytest.raises(MigrationFailed, match=r"migration 1_a\.sql was not applied") as failure:
        migrations.apply("expand", 9, say_nothing)
    assert failure.value.why == "Job/migrations did not start: no such image"
    assert failure.value.hint == "build it"


def test_one_that_dbmate_was_not_given_is_not_taken_for_applied(database: Database) -> None:
    database.write("expand", "1_a.sql", "2_b.sql")
    database.applies = {"expand": ["1"]}
    with pytest.raises(MigrationFailed, match=r"migration 2_b\.sql was not applied"):
        database.migrations().apply("expand", 9, say_nothing)


@pytest.mark.parametrize(
    ("text", "is_atomic"),
    [
        ("-- migrate:up\nALTER TABLE t ADD n int;\n", True),
        ("-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY i ON t (n);\n", False),
        ("-- migrate:up\nUPDATE t SET n = 1; commit; UPDATE t SET n = 2;\n", False),
        ("-- migrate:up\nUPDATE t SET n = 1;\n-- half\nCOMMIT WORK;\n", False),
        ("-- migrate:up\nINSERT INTO t VALUES (E'it\\'s; ');\nCOMMIT AND CHAIN;\n", False),
        ("-- migrate:up\n-- no\n-- COMMIT;\n/* nor\nCOMMIT; */ UPDATE t SET n = 1;\n", True),
        ("-- migrate:up\nCREATE TEMP TABLE t (n int) ON\nCOMMIT DROP;\n", True),
        ("-- migrate:up\nINSERT INTO t VALUES ('; COMMIT;');\n", True),
        ("-- migrate:up\nCREATE PROCEDURE p() AS $$\nBEGIN\n  n;\n  COMMIT;\nEND$$;\n", True),
        (
            "-- migrate:up\nUPDATE t SET n = 1;\n-- migrate:down\nUPDATE t SET n = 0; COMMIT;\n",
            True,
        ),
        ("-- migrate:up\n-- migrate:down transaction:false\nDROP INDEX CONCURRENTLY i;\n", True),
    ],
)
def test_what_is_no_transaction_may_be_half_done(
    tmp_path: Path, text: str, is_atomic: bool
) -> None:
    path = tmp_path / "1_a.sql"
    path.write_text(text)
    assert File("1", path).is_atomic is is_atomic
