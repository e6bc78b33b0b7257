"""Why the inventory refuses a request.

InventoryError
├── UnknownSku            no such article
├── UnknownReservation    no such reservation
├── OutOfStock            less is available than was asked for
├── OrderRefTaken         the order already reserved something else under this reference
├── ReservationClosed     the reservation went another way: it cannot be confirmed or cancelled
├── KeyReused             the idempotency key stands for another request
└── StoreUnavailable      the database does not answer; the only one worth retrying

`code` names the kind for programs and never changes; `title` names it for people.
Which HTTP status each becomes is decided in entrypoints/problems.py.
"""

from typing import ClassVar


class InventoryError(Exception):
    """A refusal; the message says what about this request was refused."""

    code: ClassVar[str]
    title: ClassVar[str]


class UnknownSku(InventoryError):
    """No such article."""

    code = "unknown-sku"
    title = "No such article"


class UnknownReservation(InventoryError):
    """No such reservation."""

    code = "unknown-reservation"
    title = "No such reservation"


class OutOfStock(InventoryError):
    """Less is available than was asked for."""

    code = "out-of-stock"
    title = "Not enough in stock"


class OrderRefTaken(InventoryError):
    """The order already reserved something else under this reference."""

    code = "order-ref-taken"
    title = "Order reference already in use"


class ReservationClosed(InventoryError):
    """The reservation is in a final state other than the one asked for."""

    code = "reservation-closed"
    title = "Reservation already settled"


class KeyReused(InventoryError):
    """The idempotency key was used for another request."""

    code = "idempotency-key-reused"
    title = "Idempotency-Key used for another request"


class StoreUnavailable(InventoryError):
    """The database does not answer."""

    code = "store-unavailable"
    title = "Inventory is unavailable"
