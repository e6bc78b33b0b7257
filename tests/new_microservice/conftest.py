"""Fixtures over running.py."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import psycopg
import pytest

from new_microservice.entrypoints import logs
from new_microservice.main import build
from new_microservice.settings import Settings
from tests.new_microservice.running import INVARIANTS, Fill, Postgres, RunMain, Start, started


@pytest.fixture(scope="session", autouse=True)
def _logs() -> None:
    logs.configure("WARNING", service="new-microservice", revision="r1")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    # Not in pytest's own folder: each session closes it to the others, and under root the server
    # is one of the others.
    folder = Path(tempfile.mkdtemp(prefix="inventory-"))
    postgres = Postgres.start(folder)
    with psycopg.connect(
        host=postgres.socket_dir, user="postgres", dbname="postgres", autocommit=True
    ) as connection:
        connection.execute("CREATE DATABASE demo")
        for role in ("inventory", "legacy_app"):
            connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'secret-of-the-test'")
    postgres.migrate("up", "demo")
    yield postgres
    postgres.server.cleanup()
    shutil.rmtree(folder)


@pytest.fixture
def stocked(postgres: Postgres) -> Iterator[Fill]:
    """Fill the shelves with the given pieces and nothing else; check the invariants at the end."""

    def fill(**pieces: int) -> None:
        with postgres.connect() as connection:
            connection.execute(
                "TRUNCATE inventory.stock, inventory.receipts, inventory.reservations,"
                " inventory.idempotency"
            )
            for sku, qty in pieces.items():
                connection.execute("INSERT INTO inventory.stock VALUES (%s, %s)", (sku, qty))
                connection.execute(
                    "INSERT INTO inventory.receipts (sku, qty) VALUES (%s, %s)", (sku, qty)
                )

    yield fill
    for name, statement in INVARIANTS.items():
        assert postgres.query(statement) == [], name


@pytest.fixture
def environment(postgres: Postgres, tmp_path: Path) -> dict[str, str]:
    """Return what a correctly configured service finds in its environment."""
    password = tmp_path / "db_pass"
    password.write_text("secret-of-the-test\n")
    return {
        "DB_HOST": postgres.socket_dir,
        "DB_USER": "inventory",
        "DB_PASS_FILE": str(password),
        "DB_NAME": "demo",
        "LISTEN_PORT": "8081",
        "SERVICE_REVISION": "r1",
    }


@pytest.fixture
def service(environment: dict[str, str]) -> Start:
    """Start the service in this process, with some settings changed; gives a client of it."""

    @contextlib.asynccontextmanager
    async def start(**changed: object) -> AsyncIterator[httpx2.AsyncClient]:
        values = {name.lower(): value for name, value in environment.items()}
        app, _ = build(Settings.model_validate(values | changed))
        transport = httpx2.ASGITransport(app=app)
        async with (
            started(app),
            httpx2.AsyncClient(transport=transport, base_url="http://inventory") as client,
        ):
            yield client

    return start


@pytest.fixture
def run_main() -> RunMain:
    """Start the service as its own process, with some variables changed."""

    def start(environment: dict[str, str], **changed: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "new_microservice.main"],
            env={"PYTHONPATH": os.pathsep.join(sys.path), **environment, **changed},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start
