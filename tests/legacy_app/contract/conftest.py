"""The shop with the real inventory service, which runs in this process."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx2
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
from tests.legacy_app.database import Postgres, database_of_the_shop, values
from tests.new_microservice.running import started


@asynccontextmanager
async def inventory(postgres: Postgres) -> AsyncIterator[httpx2.AsyncBaseTransport]:
    """Start the inventory service; give the way to it."""
    settings = new_microservice.settings.Settings.model_validate(values(postgres, "inventory"))
    app, _ = new_microservice.main.build(settings)
    async with started(app):
        yield httpx2.ASGITransport(app=app)


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
