"""/livez, /readyz, /metrics, /version."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from psycopg import Error as DatabaseError

from new_microservice.entrypoints.problems import described, problem

PING_TIMEOUT_S = 1.0
# However often one asks, the database is asked once in this time.
CACHE_S = 1.0


class Readiness:
    """Whether requests should be sent here; `is_forced_off` is a fault for canaries."""

    def __init__(
        self,
        ping: Callable[[], Awaitable[None]],
        *,
        is_forced_off: Callable[[], bool] = lambda: False,
    ) -> None:
        self._ping = ping
        self._is_forced_off = is_forced_off
        self._draining = False
        self._lock = asyncio.Lock()
        self._checked_at = float("-inf")
        self._reason: str | None = None

    @property
    def draining(self) -> bool:
        """Whether the process is about to stop."""
        return self._draining

    def drain(self) -> None:
        """Say from now on that no more requests should come."""
        self._draining = True

    async def why_not(self) -> str | None:
        """Return the reason not to send requests, or None when ready."""
        if self._draining:
            return "the service is stopping"
        if self._is_forced_off():
            return "INVENTORY_FAULT=unready"
        async with self._lock:
            if time.monotonic() - self._checked_at > CACHE_S:
                self._reason = await self._ask_database()
                self._checked_at = time.monotonic()
            return self._reason

    async def _ask_database(self) -> str | None:
        try:
            async with asyncio.timeout(PING_TIMEOUT_S):
                await self._ping()
        except (DatabaseError, TimeoutError) as error:
            return f"the database does not answer ({type(error).__name__})"
        return None


def probe_router(
    readiness: Readiness, registry: CollectorRegistry, *, service: str, revision: str
) -> APIRouter:
    """Make the routes that tell operators about the process."""
    router = APIRouter()

    @router.get("/livez", summary="Whether the process runs; asks nobody else")
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz", summary="Whether to send requests here", responses=described(503))
    async def readyz() -> Response:
        reason = await readiness.why_not()
        if reason is not None:
            return problem(503, "not-ready", "Not ready", reason)
        return Response('{"status":"ready"}', media_type="application/json")

    @router.get("/metrics", summary="Prometheus metrics", response_class=Response)
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    @router.get("/version")
    async def version() -> dict[str, str]:
        return {"service": service, "revision": revision}

    return router
