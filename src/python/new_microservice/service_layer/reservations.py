"""Reserve, confirm, cancel, look up."""

from new_microservice.domain.errors import UnknownReservation, UnknownSku
from new_microservice.domain.reservation import (
    Answer,
    Reservation,
    ReservationRequest,
    State,
    StockLevel,
    answer_repeated,
    settled,
)
from new_microservice.domain.store import Store


class Reservations:
    """The use cases; `ttl_s`: seconds for which a pending reservation holds its stock."""

    def __init__(self, store: Store, ttl_s: float) -> None:
        self._store = store
        self._ttl_s = ttl_s

    async def reserve(self, request: ReservationRequest, key: str) -> Answer:
        """Hold stock for an order; the same key gives the same answer again.

        Raises KeyReused, OrderRefTaken, UnknownSku, OutOfStock. Refusals are not kept under the
        key: they changed nothing, and stock may have come back when the request is repeated.
        """
        made = await self._store.reserve(request, key, self._ttl_s)
        if made is not None:
            return Answer(201, made)
        return answer_repeated(request, await self._store.known(request, key))

    async def settle(self, reservation_id: int, state: State) -> Reservation:
        """Confirm (the goods leave the stock) or cancel (they are free again); may be repeated.

        Raises UnknownReservation, ReservationClosed.
        """
        changed = await self._store.settle(reservation_id, state)
        return changed or settled(await self._store.find(reservation_id), state)

    async def find(self, reservation_id: int) -> Reservation:
        """Return a reservation; raises UnknownReservation."""
        reservation = await self._store.find(reservation_id)
        if reservation is None:
            raise UnknownReservation(f"there is no reservation {reservation_id}")
        return reservation

    async def stock_of(self, sku: str) -> StockLevel:
        """Return the level of one article; raises UnknownSku."""
        for level in await self._store.stock([sku]):
            return level
        raise UnknownSku(f"there is no article {sku}")

    async def stock(self, skus: list[str]) -> list[StockLevel]:
        """Return the levels of the known ones of these articles; of all when none is named."""
        return await self._store.stock(skus)
