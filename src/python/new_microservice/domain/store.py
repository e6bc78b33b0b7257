"""What the use cases need of whatever keeps stock and reservations."""

from typing import Protocol

from new_microservice.domain.reservation import (
    Known,
    Reservation,
    ReservationRequest,
    State,
    StockLevel,
)


class Store(Protocol):
    """Each method is one atomic step and may be repeated; all raise StoreUnavailable."""

    async def reserve(
        self, request: ReservationRequest, key: str, ttl_s: float
    ) -> Reservation | None:
        """Take the stock and keep the answer; None: nothing changed, ask `known` why."""

    async def known(self, request: ReservationRequest, key: str) -> Known:
        """Return what is known around a request."""

    async def settle(self, reservation_id: int, state: State) -> Reservation | None:
        """Make a pending reservation confirmed or cancelled; None: nothing changed."""

    async def find(self, reservation_id: int) -> Reservation | None:
        """Return a reservation."""

    async def stock(self, skus: list[str]) -> list[StockLevel]:
        """Return the levels of these articles, of all when none is named, in order of sku."""

    async def expire(self, limit: int) -> int:
        """Expire up to `limit` overdue reservations, give their stock back, return how many."""

    async def forget_answers(self) -> int:
        """Forget answers that nobody will ask for again, return how many."""
