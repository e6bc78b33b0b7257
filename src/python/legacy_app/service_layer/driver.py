"""Drives on the orders that a crash or trouble with the stock has left halfway."""

from datetime import timedelta

import structlog
from prometheus_client import CollectorRegistry, Counter

from legacy_app.domain.books import OrderBook
from legacy_app.domain.errors import ShopError
from legacy_app.domain.orders import CancelReason, Order, Status, cancellation
from legacy_app.service_layer.shop import Shop

log = structlog.get_logger(__name__)

INTERVAL_S = 1.0
BATCH = 20
# Longer than placing the largest order takes with every line at its deadline (10 x 2 s): whoever
# places it is then certainly gone.
PENDING_FOR = timedelta(seconds=30)
# Longer than a healthy step; an overlap with a slow one is harmless.
UNFINISHED_FOR = timedelta(seconds=3)


class Driver:
    """Looks for stuck orders and drives them on; any number of instances may run at once."""

    def __init__(
        self,
        orders: OrderBook,
        shop: Shop,
        registry: CollectorRegistry,
        *,
        pending_for: timedelta = PENDING_FOR,
        unfinished_for: timedelta = UNFINISHED_FOR,
    ) -> None:
        self._orders = orders
        self._shop = shop
        self._pending_for = pending_for
        self._unfinished_for = unfinished_for
        self._driven = Counter(
            "shop_orders_driven",
            "Orders found halfway, by the status they were brought to ('failed': not yet).",
            ["status"],
            registry=registry,
        )

    async def drive_stuck(self) -> int:
        """Drive a batch of stuck orders; return how many were found."""
        orders = await self._orders.take_stuck(
            pending_for=self._pending_for, unfinished_for=self._unfinished_for, limit=BATCH
        )
        for order in orders:
            self._driven.labels(await self._drive(order)).inc()
        return len(orders)

    async def _drive(self, order: Order) -> str:
        try:
            if order.status is Status.PENDING:
                order = await self._orders.move(order, cancellation(CancelReason.ABANDONED))
            order = await self._shop.drive(order)
        except ShopError as error:
            log.warning("order stays stuck", order_id=order.id, status=order.status, why=str(error))
            return "failed"
        log.info("order driven on", order_id=order.id, status=order.status)
        return order.status
