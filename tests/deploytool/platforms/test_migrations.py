"""Which migrations are pending."""

from pathlib import Path

from deploytool.platforms.migrations import pending_files


def test_pending_migrations_are_those_not_applied_in_order(tmp_path: Path) -> None:
    for name in ("20260103_c.sql", "20260101_a.sql", "20260102_b.sql", "README.md", ".gitkeep"):
        (tmp_path / name).write_text("")
    pending = pending_files(tmp_path, ["20260102"])
    assert [path.name for path in pending] == ["20260101_a.sql", "20260103_c.sql"]
    assert pending_files(tmp_path / "missing", []) == []
