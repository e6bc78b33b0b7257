"""PostgreSQL's commands and statements as text, and which migrations are pending."""

from pathlib import Path

from deploytool.platforms.local.database import role_sql, server_argv, without_root
from deploytool.platforms.local.migrations import pending_files


def test_the_server_listens_on_loopback_tcp_alone() -> None:
    argv = server_argv(Path("/bin/postgres"), Path("/data"), 20001)
    assert argv[:5] == ("/bin/postgres", "-D", "/data", "-p", "20001")
    assert "listen_addresses=127.0.0.1" in argv
    assert "unix_socket_directories=" in argv


def test_root_gives_up_all_but_the_right_to_reach_its_files() -> None:
    argv = without_root(["postgres", "-D", "x"])
    assert argv[0] == "setpriv"
    assert argv[-3:] == ("postgres", "-D", "x")
    assert {"--reuid=65534", "--no-new-privs", "--bounding-set=-all,+dac_override"} <= set(argv)


def test_names_and_passwords_cannot_break_out_of_the_statements() -> None:
    sql = role_sql("sh'op", {'ro"le': "pass"})
    assert "datname = 'sh''op'" in sql
    assert 'ALTER ROLE "ro""le" LOGIN PASSWORD \'pass\';' in sql
    assert sql.startswith("SET log_min_error_statement = panic;"), "no password in the log"


def test_pending_migrations_are_those_not_applied_in_order(tmp_path: Path) -> None:
    for name in ("20260103_c.sql", "20260101_a.sql", "20260102_b.sql", "README.md", ".gitkeep"):
        (tmp_path / name).write_text("")
    pending = pending_files(tmp_path, ["20260102"])
    assert [path.name for path in pending] == ["20260101_a.sql", "20260103_c.sql"]
    assert pending_files(tmp_path / "missing", []) == []
