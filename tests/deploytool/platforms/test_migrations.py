"""Which migrations are pending."""

from pathlib import Path
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
        return [{"found": 1}] if "to_regclass" in sql else [{"v": ["20260102"]}]

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
