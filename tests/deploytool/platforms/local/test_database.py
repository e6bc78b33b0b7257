"""PostgreSQL's commands, and its roles on a real one."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg

from deploytool.platforms.base import Platform, Role
from deploytool.platforms.local.database import server_argv, without_root
from tests.deploytool.platforms.local.conftest import Place


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


def test_roles_are_made_while_migrations_grant_on_the_same_database(
    place: Place, up: Platform
) -> None:
    port = up.instance("store", Role.STABLE).address.rpartition(":")[2]
    password = (place.folder / "secrets/store-owner").read_text()
    where = f"host=127.0.0.1 port={port} user=owner dbname=test"
    with (
        ThreadPoolExecutor() as pool,
        psycopg.connect(where, password=password) as migrating,
        psycopg.connect(where, password=password, autocommit=True) as looking,
    ):
        migrating.execute("GRANT TEMPORARY ON DATABASE test TO web")
        making = pool.submit(up.start_foundation, 30)
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        while looking.execute(waiting).fetchone() != (1,):
            assert not making.done()
            time.sleep(0.05)
        migrating.commit()
        assert making.result(30) == []
