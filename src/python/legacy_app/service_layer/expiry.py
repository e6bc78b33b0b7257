"""Gives back what the monolith's own stock holds for orders that were not checked out in time."""

from typing import Protocol

INTERVAL_S = 2.0
BATCH = 500


class LapsingStock(Protocol):
    """A stock that does not release lapsed reservations by itself."""

    async def expire(self, limit: int) -> int:
        """Release reservations past their time, `limit` at most; return how many."""
        ...


async def expire_all(stock: LapsingStock) -> None:
    """Release all that has lapsed; any number of instances may do so at once."""
    while await stock.expire(BATCH) == BATCH:
        pass
