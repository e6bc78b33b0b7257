"""Which migrations are pending."""

from pathlib import Path
from subprocess import CompletedProcess
from typing import NoReturn

from deploytool.platforms.base import MigrationKind
from deploytool.platforms.migrations import Migrations


def test_pending_migrations_are_those_not_applied_in_order(tmp_path: Path) -> None:
    (tmp_path / "expand").mkdir()
    for name in ("20260103_c.sql", "20260101_a.sql", "20260102_b.sql", "README.md", ".gitkeep"):
        (tmp_path / "expand" / name).write_text("")
    asked = []

    def query(sql: str) -> list[dict[str, object]]:
        asked.append(sql)
        if "to_regclass" in sql:
            return [{"expand": True, "contract": False}]
        assert "contract_migrations" not in sql  # it is not there
        return [{"expand": ["20260102"]}]

    def run(kind: MigrationKind) -> NoReturn:
        raise AssertionError(f"{kind} migrations are only asked about")

    migrations = Migrations(tmp_path, query, run, str)

    assert [path.name for path in migrations.pending("expand")] == [
        "20260101_a.sql",
        "20260103_c.sql",
    ]
    asked.clear()
    assert migrations.pending("contract") == []
    assert asked == []  # of a kind without files there is nothing to ask


def test_a_database_that_is_only_being_made_lacks_all_and_cannot_be_asked(tmp_path: Path) -> None:
    for kind in ("expand", "contract"):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / f"20260101_{kind}.sql").write_text("")

    def query(sql: str) -> NoReturn:
        raise AssertionError(f"there is no database yet to answer {sql}")

    migrations = Migrations(tmp_path, query, lambda _: CompletedProcess([], 0, "", ""), str)
    migrations.expect_none_applied()
    assert [path.name for path in migrations.pending("contract")] == ["20260101_contract.sql"]
    assert migrations.apply("expand") == ["20260101_expand.sql"]


def test_a_database_is_asked_once_for_both_kinds_until_something_is_applied(
    tmp_path: Path,
) -> None:
    applied: dict[MigrationKind, list[str]] = {"expand": [], "contract": []}
    for kind in applied:
        (tmp_path / kind).mkdir()
        (tmp_path / kind / f"20260101_{kind}.sql").write_text("")
    asked = []

    def query(sql: str) -> list[dict[str, object]]:
        asked.append(sql)
        if "to_regclass" in sql:
            return [{kind: bool(versions) for kind, versions in applied.items()}]
        return [{kind: versions for kind, versions in applied.items() if versions}]

    def run(kind: MigrationKind) -> "CompletedProcess[str]":
        applied[kind] = ["20260101"]
        return CompletedProcess([], 0, "", "")

    migrations = Migrations(tmp_path, query, run, str)

    assert len(migrations.pending("expand")) == len(migrations.pending("contract")) == 1
    assert len(asked) == 1
    assert migrations.apply("expand") == ["20260101_expand.sql"]
    assert (migrations.pending("expand"), len(migrations.pending("contract"))) == ([], 1)
