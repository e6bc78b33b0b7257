"""Wires the shop together and runs it: `python -m legacy_app.main`."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

import httpx2
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from legacy_app.adapters.catalogue import SqlCatalogue
from legacy_app.adapters.database import Database
from legacy_app.adapters.http_stock import HttpStock
from legacy_app.adapters.orders import SqlOrders
from legacy_app.adapters.shadow_stock import ShadowStock
from legacy_app.adapters.sql_stock import SqlStock
from legacy_app.adapters.stock_view import StockView
from legacy_app.domain.stock import StockGateway
from legacy_app.entrypoints import logs, problems
from legacy_app.entrypoints.http_api import api_router
from legacy_app.entrypoints.observation import Metrics, Observed
from legacy_app.entrypoints.pages import error_page, pages_router
from legacy_app.entrypoints.probes import Readiness, probes_router
from legacy_app.entrypoints.rendering import Renderer
from legacy_app.entrypoints.server import Server
from legacy_app.service_layer.background import repeat_until
from legacy_app.service_layer.driver import INTERVAL_S as DRIVE_S
from legacy_app.service_layer.driver import Driver
from legacy_app.service_layer.expiry import INTERVAL_S as EXPIRE_S
from legacy_app.service_layer.expiry import expire_all
from legacy_app.service_layer.shop import Shop
from legacy_app.settings import Settings, SettingsError, StockBackend, load_settings

SERVICE = "legacy-app"
EXIT_BAD_SETTINGS = 2
# As long as the inventory holds goods for an order.
HOLD_FOR = timedelta(minutes=15)
# More than what the tasks in the background are in the middle of takes.
FINISH_S = 5.0


def build(
    settings: Settings, transport: httpx2.AsyncBaseTransport | None = None
) -> tuple[ASGIApp, Readiness]:
    """Make the application; nothing connects before it is started.

    `transport`: a way to the inventory other than the network.
    """
    revision = settings.service_revision
    registry = CollectorRegistry()
    database = Database(
        host=settings.db_host,
        port=settings.db_port,
        user=settings.db_user,
        password=settings.password(),
        name=settings.db_name,
    )
    client = httpx2.AsyncClient(
        base_url=str(settings.api_endpoint or ""),
        transport=transport,
        # Shorter than the gateway keeps idle connections: it must not be the one to close.
        limits=httpx2.Limits(max_connections=100, keepalive_expiry=30),
        trust_env=False,  # the gateway is a neighbour, never behind a proxy
    )
    sql_stock = SqlStock(database, HOLD_FOR)
    orders = SqlOrders(database)
    shop = Shop(
        SqlCatalogue(database),
        orders,
        _stock(settings.stock_backend, sql_stock, client, registry),
        fallback=StockView(database),
    )
    driver = Driver(orders, shop, registry)
    readiness = Readiness(database.ping)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await database.open()
        stopping = asyncio.Event()
        works = [repeat_until(stopping, DRIVE_S, "driving stuck orders on", driver.drive_stuck)]
        if settings.stock_backend is not StockBackend.HTTP:
            expiry = partial(expire_all, sql_stock)
            works.append(repeat_until(stopping, EXPIRE_S, "expiry", expiry))
        background = [asyncio.create_task(work) for work in works]
        yield
        stopping.set()
        # Before the tasks end: they may be waiting for a connection.
        await database.close()
        await asyncio.wait(background, timeout=FINISH_S)
        await client.aclose()

    # No documentation pages: they load scripts from elsewhere.
    app = FastAPI(title="Shop", lifespan=lifespan, docs_url=None, redoc_url=None)
    renderer = Renderer(revision=revision, is_demo=settings.demo_mode)
    problems.install(app, error_page(renderer))
    app.include_router(api_router(shop))
    app.include_router(pages_router(shop, renderer))
    app.include_router(probes_router(readiness, registry, service=SERVICE, revision=revision))
    metrics = Metrics(registry, service=SERVICE, revision=revision)
    return Observed(app, metrics, readiness, revision=revision), readiness


def _stock(
    backend: StockBackend,
    sql_stock: SqlStock,
    client: httpx2.AsyncClient,
    registry: CollectorRegistry,
) -> StockGateway:
    match backend:
        case StockBackend.SQL:
            return sql_stock
        case StockBackend.SHADOW:
            return ShadowStock(sql_stock, HttpStock(client), registry)
        case StockBackend.HTTP:
            return HttpStock(client)


def main() -> None:
    """Serve until told to stop; exits with 2 when the settings are bad."""
    try:
        settings = load_settings()
        app, readiness = build(settings)
    except SettingsError as error:
        print(  # noqa: T201
            f"{SERVICE}: cannot start: {error}. Set these environment variables and start again.",
            file=sys.stderr,
        )
        sys.exit(EXIT_BAD_SETTINGS)
    logs.configure(settings.log_level, service=SERVICE, revision=settings.service_revision)
    Server(app, readiness, host=settings.listen_host, port=settings.listen_port).run()


if __name__ == "__main__":
    main()
