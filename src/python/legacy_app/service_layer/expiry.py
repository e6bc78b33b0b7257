"""Gives back what the monolith's own stock holds for orders that were not checked out in time."""

import asyncio
from typing import Protocol

import structlog

from legacy_app.domain.errors import Unavailable

log = structlog.get_logger(__name__)

INTERVAL_S = 2.0
BATCH = 500


class LapsingStock(Protocol):
    """A stock that does not release lapsed reservations by itself."""

    async def expire(self, limit: int) -> int:
        """Release reservations past their time, `limit` at most; return how many."""
        ...


async def expire_forever(stock: LapsingStock) -> None:
    """Release until cancelled; any number of instances may run at once."""
    while True:
        try:
            while await stock.expire(BATCH) == BATCH:
                pass
        except Unavailable as error:
            log.warning("expiry put off", why=str(error))
        except Exception:
            # A task that dies silently would hold the goods for ever.
            log.exception("expiry failed")
        await asyncio.sleep(INTERVAL_S)
