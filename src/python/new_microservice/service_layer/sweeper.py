"""Gives back, every few seconds, the stock of reservations that nobody confirmed in time."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from new_microservice.domain.errors import StoreUnavailable
from new_microservice.domain.store import Store

log = logging.getLogger(__name__)

INTERVAL_S = 2.0
# One statement's worth: small enough to hold the stock rows for milliseconds.
BATCH = 500


async def sweep(store: Store) -> int:
    """Expire everything overdue, batch by batch; return how many reservations that were."""
    total = 0
    while True:
        expired = await store.expire(BATCH)
        total += expired
        if expired < BATCH:
            return total


async def sweep_until(
    stopping: asyncio.Event, store: Store, on_expired: Callable[[int], None]
) -> None:
    """Sweep until told to stop; any number of instances may do so at once.

    An event and no cancellation: under Python 3.11 `asyncio.wait_for`, in which the connection pool
    waits, swallows a cancellation that comes together with a connection.
    """
    while not stopping.is_set():
        try:
            on_expired(await sweep(store))
            await store.forget_answers()
        except StoreUnavailable:
            log.warning("expiry put off: the database does not answer")
        except Exception:
            # A task that dies silently would hold stock for ever.
            log.exception("expiry failed")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(INTERVAL_S):
                await stopping.wait()
