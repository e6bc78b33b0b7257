"""Wires the inventory service together and runs it: `python -m new_microservice.main`."""

import asyncio
import contextlib
import random
import sys
from collections.abc import AsyncIterator

from fastapi import Depends, FastAPI
from starlette.types import ASGIApp

from new_microservice.adapters.database import Database
from new_microservice.adapters.postgres_store import PostgresStore
from new_microservice.entrypoints import logs, problems
from new_microservice.entrypoints.fault_injection import FaultGate
from new_microservice.entrypoints.http_api import inventory_router
from new_microservice.entrypoints.observation import Metrics, Observed
from new_microservice.entrypoints.probes import Readiness, probe_router
from new_microservice.entrypoints.server import AnnouncingServer
from new_microservice.faults import ExitAtStart, Unready
from new_microservice.service_layer.reservations import Reservations
from new_microservice.service_layer.sweeper import sweep_until
from new_microservice.settings import Settings, SettingsError, load_settings

SERVICE = "new-microservice"
EXIT_BAD_SETTINGS = 2
EXIT_BY_FAULT = 3


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
    fault = settings.fault
    readiness = Readiness(database.ping, forced_off=isinstance(fault, Unready))

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
    gates = [Depends(FaultGate(fault, random.Random()))] if fault else []  # noqa: S311
    app.include_router(inventory_router(Reservations(store, settings.reservation_ttl_s), gates))
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
    if isinstance(settings.fault, ExitAtStart):
        print(f"{SERVICE}: INVENTORY_FAULT=exit: exiting at start", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_BY_FAULT)
    logs.configure(settings.log_level, service=SERVICE, revision=settings.service_revision)
    AnnouncingServer(app, readiness, host=settings.listen_host, port=settings.listen_port).run()


if __name__ == "__main__":
    main()
