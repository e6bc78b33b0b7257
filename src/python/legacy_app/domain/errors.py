"""What can go wrong in the shop, in the words of the shop.

ShopError
|-- OrderNotFound        no order has this id
|-- UnknownProduct       the catalogue has no such sku
|-- KeyReused            the idempotency key belongs to an order with another content
|-- OrderNotReady        checkout came before everything was reserved
|-- OrderCancelled       the order is cancelled, or certain to be; `order.cancel_reason` says why
|-- OrderFinal           a confirmed order cannot be cancelled any more
|-- OrderHalfConfirmed   a reservation lapsed after another of the order was confirmed
|-- StockError
|   |-- OutOfStock           not enough left of one sku
|   |-- ReservationLost      the reservation lapsed or was cancelled: it cannot be confirmed
|   |-- ReservationFinal     the reservation is confirmed: it cannot be cancelled
|   `-- StockRefused         the stock rejects the claim for good: a fault of ours
`-- Unavailable          passing trouble, worth another attempt soon
    |-- StockUnavailable
    `-- DatabaseUnavailable
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from legacy_app.domain.orders import Order


class ShopError(Exception):
    """Anything the shop refuses or fails to do; the text is fit for the person who asked."""


class OrderNotFound(ShopError):
    """No order has this id."""

    def __init__(self, order_id: int) -> None:
        super().__init__(f"There is no order {order_id}.")


class UnknownProduct(ShopError):
    """The catalogue has no such sku."""

    def __init__(self, sku: str) -> None:
        super().__init__(f"There is no product {sku}.")


class KeyReused(ShopError):
    """The idempotency key belongs to an order with another content."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for an order with another content.")


class OrderError(ShopError):
    """Something that is wrong with one order, which comes along."""

    def __init__(self, order: Order, text: str) -> None:
        super().__init__(text)
        self.order = order


class OrderNotReady(OrderError):
    """Checkout came before everything was reserved."""

    def __init__(self, order: Order) -> None:
        super().__init__(order, f"Order {order.id} is not reserved yet.")


class OrderCancelled(OrderError):
    """The order is cancelled, or certain to be; its cancel_reason says why."""

    def __init__(self, order: Order) -> None:
        why = order.cancel_reason.explanation if order.cancel_reason else "it was cancelled"
        super().__init__(order, f"Order {order.id} is cancelled: {why}.")


class OrderFinal(OrderError):
    """A confirmed order cannot be cancelled any more."""

    def __init__(self, order: Order) -> None:
        super().__init__(order, f"Order {order.id} is {order.status} and cannot be cancelled.")


class OrderHalfConfirmed(OrderError):
    """A reservation lapsed after another of the same order was confirmed; it needs a person."""

    def __init__(self, order: Order, sku: str) -> None:
        super().__init__(order, f"Order {order.id} is confirmed in part: {sku} was lost.")


class StockError(ShopError):
    """The stock said no to a claim."""


class OutOfStock(StockError):
    """Not enough left of one sku."""

    def __init__(self, sku: str) -> None:
        super().__init__(f"There is not enough of {sku} left.")


class ReservationLost(StockError):
    """The reservation lapsed or was cancelled: it cannot be confirmed."""

    def __init__(self, order_ref: str) -> None:
        super().__init__(f"The reservation {order_ref} is no longer held.")


class ReservationFinal(StockError):
    """The reservation is confirmed: it cannot be cancelled."""

    def __init__(self, order_ref: str) -> None:
        super().__init__(f"The reservation {order_ref} is confirmed already.")


class StockRefused(StockError):
    """The stock rejects the claim for good, which only a fault of the shop can cause."""


class Unavailable(ShopError):
    """Passing trouble, worth another attempt soon."""

    retry_after_s = 1


class StockUnavailable(Unavailable):
    """The stock cannot be reached, or answered with a failure of its own."""


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached, or has no connection to spare."""
