"""Wires the inventory service together and runs it: `python -m new_microservice.main`."""

import asyncio
import contextlib
import random
import sys
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from new_microservice.adapters.database import Database
from new_microservice.adapters.postgres_store import PostgresStore
from new_microservice.entrypoints import logs, problems
from new_microservice.entrypoints.fault_injection import FaultGate, end
from new_microservice.entrypoints.http_api import inventory_router
from new_microservice.entrypoints.observation import Metrics, Observed
from new_microservice.entrypoints.probes import Readiness, probe_router
from new_microservice.entrypoints.server import AnnouncingServer
from new_microservice.faults import Exit, Unready
from new_microservice.service_layer.reservations import Reservations
from new_microservice.service_layer.sweeper import sweep_until
from new_microservice.settings import Settings, SettingsError, load_settings

SERVICE = "new-microservice"
EXIT_BAD_SETTINGS = 2


def build(settings: Settings) -> tuple[ASGIApp, Readiness]:
    """Make the application; nothing connects before it is started."""
    revision = settings.service_revision
    database = Database(
        host=settings.db_host,
        port=settings.db_port,
        user=settings.db_user,
        password=settings.password(),
        name=settings.db_name,
    )
    store = PostgresStore(database)
    metrics = Metrics(service=SERVICE, revision=revision)
    gate = FaultGate(settings.fault, random.Random())  # noqa: S311  (not for secrets)
    readiness = Readiness(database.ping, is_forced_off=lambda: isinstance(gate.fault, Unready))

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await database.open()
        stopping = asyncio.Event()
        sweeper = asyncio.create_task(sweep_until(stopping, store, metrics.expired.inc))
        yield
        stopping.set()
        # Before the sweeper ends: it may be waiting for a connection.
        await database.close()
        await sweeper

    # No documentation pages: they load scripts from elsewhere.
    app = FastAPI(title="Inventory", lifespan=lifespan, docs_url=None, redoc_url=None)
    problems.install(app)
    reservations = Reservations(store, settings.reservation_ttl_s)
    route_class = gate.route_class() if settings.fault else APIRoute
    app.include_router(inventory_router(reservations, route_class))
    app.include_router(
        probe_router(readiness, metrics.registry, service=SERVICE, revision=revision)
    )
    return Observed(app, metrics, readiness, revision=revision), readiness


def main() -> None:
    """Serve until SIGTERM; exits with 2 when the settings are bad."""
    try:
        settings = load_settings()
        app, readiness = build(settings)
    except SettingsError as error:
        print(  # noqa: T201
            f"{SERVICE}: cannot start: {error}. Correct the environment and start again.",
            file=sys.stderr,
        )
        sys.exit(EXIT_BAD_SETTINGS)
    if isinstance(settings.fault, Exit):
        end("INVENTORY_FAULT=exit: exiting at start")
    logs.configure(settings.log_level, service=SERVICE, revision=settings.service_revision)
    AnnouncingServer(app, readiness, host=settings.listen_host, port=settings.listen_port).run()


if __name__ == "__main__":
    main()
