"""What the platform asks: /livez, /readyz, /metrics, /version."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from legacy_app.domain.errors import DatabaseUnavailable
from legacy_app.entrypoints.problems import problem

PING_TIMEOUT_S = 1.0
# Probes come from several sides; the database hears of one a second.
KEPT_FOR_S = 1.0


class Readiness:
    """Whether requests should be sent here: not without the database, and not while stopping."""

    def __init__(self, ping: Callable[[], Awaitable[None]]) -> None:
        """`ping` raises DatabaseUnavailable."""
        self._ping = ping
        self._lock = asyncio.Lock()
        self._asked_at_s = float("-inf")
        self._trouble: str | None = None
        self.is_draining = False

    async def trouble(self) -> str | None:
        """Return why requests should not come here, or None if they should."""
        if self.is_draining:
            return "The process is stopping."
        async with self._lock:
            if time.monotonic() >= self._asked_at_s + KEPT_FOR_S:
                self._trouble = await self._ask()
                self._asked_at_s = time.monotonic()
        return self._trouble

    async def _ask(self) -> str | None:
        try:
            async with asyncio.timeout(PING_TIMEOUT_S):
                await self._ping()
        except (DatabaseUnavailable, TimeoutError):
            return "The database does not answer."
        return None


def probes_router(
    readiness: Readiness, registry: CollectorRegistry, *, service: str, revision: str
) -> APIRouter:
    """Make the routes of the platform."""
    router = APIRouter(include_in_schema=False)

    @router.get("/livez")
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz")
    async def readyz() -> Response:
        trouble = await readiness.trouble()
        if trouble:
            return problem(503, "not-ready", "Not ready", trouble)
        return Response('{"status":"ready"}', media_type="application/json")

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    @router.get("/version")
    async def version() -> dict[str, str]:
        return {"service": service, "revision": revision}

    return router
