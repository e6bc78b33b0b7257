"""Placing, checking out and cancelling orders, and driving on those left halfway.

Every step commits what it is about to do before it asks the stock, and every question to the
stock may be repeated. So whoever finds an order in a status can go on from there: the next
request, or `Driver` after a crash, here or in another instance.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import structlog

from legacy_app.domain.books import Catalogue, OrderBook
from legacy_app.domain.catalogue import Offer
from legacy_app.domain.errors import (
    KeyReused,
    OrderCancelled,
    OrderFinal,
    OrderHalfConfirmed,
    OrderNotReady,
    OutOfStock,
    ReservationLost,
    Unavailable,
    UnknownProduct,
)
from legacy_app.domain.orders import (
    CHECK_OUT,
    CLOSE,
    COMPLETE,
    HOLD,
    CancelReason,
    Line,
    Order,
    Status,
    cancellation,
)
from legacy_app.domain.stock import AvailableStock, StockGateway

log = structlog.get_logger(__name__)

# A checkout that begins so shortly before the first reservation lapses could end with some lines
# confirmed and others lost; it takes milliseconds, and a few seconds when the stock is in trouble.
CHECKOUT_MARGIN = timedelta(seconds=5)


def _now() -> datetime:
    return datetime.now(UTC)


class Shop:
    """What can be done in the shop."""

    def __init__(
        self,
        catalogue: Catalogue,
        orders: OrderBook,
        stock: StockGateway,
        fallback: AvailableStock,
        now: Callable[[], datetime] = _now,
    ) -> None:
        """`fallback` says what is available while `stock` cannot."""
        self._catalogue = catalogue
        self._orders = orders
        self._stock = stock
        self._fallback = fallback
        self._now = now

    async def offers(self) -> list[Offer]:
        """Return the catalogue, by name, with what is available of each product."""
        products = await self._catalogue.all()
        skus = [product.sku for product in products]
        try:
            available = await self._stock.available(skus)
        except Unavailable:
            # Looking around must go on working while the inventory is down.
            available = await self._fallback.available(skus)
        return [Offer(product, available.get(product.sku, 0)) for product in products]

    async def order(self, order_id: int) -> Order:
        """Return one order. Raises OrderNotFound."""
        return await self._orders.get(order_id)

    async def latest_orders(self, limit: int) -> list[Order]:
        """Return the newest orders, newest first."""
        return await self._orders.latest(limit)

    async def place(self, customer: str, wanted: Mapping[str, int], key: str | None) -> Order:
        """Order and reserve all of it or nothing; the same key orders once.

        Raises UnknownProduct, KeyReused, OrderCancelled (out of stock, for one) or Unavailable;
        after the latter the order is either carried on under the same key or given up soon.
        """
        products = await self._catalogue.find(wanted)
        for sku in wanted:
            if sku not in products:
                raise UnknownProduct(sku)
        # With a key of our own, a statement repeated on a new connection adds no second order.
        order = await self._orders.add(customer, wanted, products, key or uuid4().hex)
        if (order.customer, order.wanted) != (customer, wanted):
            raise KeyReused
        if order.status is Status.PENDING:
            order = await self._hold(order)
        if order.is_cancelled:
            raise OrderCancelled(order)
        return order

    async def check_out(self, order_id: int) -> Order:
        """Buy a reserved order; doing it again changes nothing.

        Raises OrderNotFound, OrderNotReady, OrderCancelled (expired, for one), OrderHalfConfirmed
        or Unavailable; after the latter the order is confirmed soon.
        """
        order = await self._orders.get(order_id)
        if order.status is Status.RESERVED:
            in_time = order.is_held_at(self._now() + CHECKOUT_MARGIN)
            move = CHECK_OUT if in_time else cancellation(CancelReason.EXPIRED)
            order = await self._orders.move(order, move)
        if order.status is Status.PENDING:
            raise OrderNotReady(order)
        order = await self.drive(order)
        if order.is_cancelled:
            raise OrderCancelled(order)
        return order

    async def cancel(self, order_id: int) -> Order:
        """Give an order up that is not checked out; doing it again changes nothing.

        Raises OrderNotFound, OrderFinal or Unavailable; after the latter it is cancelled soon.
        """
        order = await self._orders.get(order_id)
        if order.status in (Status.PENDING, Status.RESERVED):
            order = await self._orders.move(order, cancellation(CancelReason.CUSTOMER))
        if not order.is_cancelled:
            raise OrderFinal(order)
        return await self.drive(order)

    async def drive(self, order: Order) -> Order:
        """Take an order as far as it goes without its customer; return it as it is then."""
        if order.status is Status.CONFIRMING:
            order = await self._confirm(order)
        if order.status is Status.CANCELLING:
            order = await self._release(order, order.lines)
        return order

    async def _hold(self, order: Order) -> Order:
        held: list[tuple[Line, datetime]] = []
        for line in order.lines:
            try:
                held.append((line, await self._stock.reserve(order.claim(line))))
            except OutOfStock:
                order = await self._orders.move(order, cancellation(CancelReason.OUT_OF_STOCK))
                return await self._release_or_leave(order, [line for line, _ in held])
        return await self._orders.move(order, HOLD, until=min(until for _, until in held))

    async def _confirm(self, order: Order) -> Order:
        # In the order in which they were reserved, so that the first to lapse is asked first:
        # if that one is lost, nothing is confirmed yet.
        for number, line in enumerate(order.lines):
            try:
                await self._stock.confirm(order.claim(line))
            except ReservationLost:
                if number > 0:
                    raise OrderHalfConfirmed(order, line.sku) from None
                return await self._orders.move(order, cancellation(CancelReason.EXPIRED))
        return await self._orders.move(order, COMPLETE)

    async def _release(self, order: Order, lines: Sequence[Line]) -> Order:
        for line in lines:
            await self._stock.cancel(order.claim(line))
        return await self._orders.move(order, CLOSE)

    async def _release_or_leave(self, order: Order, lines: Sequence[Line]) -> Order:
        """Release if that works; the order's fate is known either way, so the answer is too."""
        try:
            return await self._release(order, lines)
        except Unavailable:
            log.warning("release is left for later", order_id=order.id)
            return order
