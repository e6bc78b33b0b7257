"""Orders and the way they go: pending -> reserved -> confirming -> confirmed, or cancelled.

Each status is committed before the stock is asked for what it announces, so that a crash at any
point leaves an order that says how it has to go on.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from legacy_app.domain.stock import Claim


class Status(StrEnum):
    """Where an order is on its way."""

    PENDING = "pending"  # written down; its lines are being reserved
    RESERVED = "reserved"  # everything is held for the customer, who may check out or cancel
    CONFIRMING = "confirming"  # checked out; the stock is being told
    CONFIRMED = "confirmed"  # done: the goods have left the stock
    CANCELLING = "cancelling"  # given up; what it holds is being released
    CANCELLED = "cancelled"  # done: it holds nothing


class CancelReason(StrEnum):
    """Why an order was given up."""

    CUSTOMER = "customer"
    OUT_OF_STOCK = "out-of-stock"
    EXPIRED = "expired"
    ABANDONED = "abandoned"

    @property
    def explanation(self) -> str:
        """The reason as half a sentence."""
        return _EXPLANATIONS[self]


_EXPLANATIONS = {
    CancelReason.CUSTOMER: "the customer asked for it",
    CancelReason.OUT_OF_STOCK: "something in it was out of stock",
    CancelReason.EXPIRED: "it was not checked out while it was held",
    CancelReason.ABANDONED: "it could not be reserved in time",
}


@dataclass(frozen=True)
class Line:
    """One product of an order. Prices are in cents and those of the time of ordering."""

    sku: str
    name: str
    qty: int
    price_cents: int

    @property
    def total_cents(self) -> int:
        """The price of the whole line."""
        return self.qty * self.price_cents


@dataclass(frozen=True)
class Order:
    """An order as it was last read; `lines` are sorted by sku."""

    id: int
    customer: str
    status: Status
    lines: tuple[Line, ...]
    created_at: datetime
    reserved_until: datetime | None = None
    cancel_reason: CancelReason | None = None

    @property
    def total_cents(self) -> int:
        """The price of the order."""
        return sum(line.total_cents for line in self.lines)

    @property
    def is_cancelled(self) -> bool:
        """Whether it is cancelled or certain to be."""
        return self.status in (Status.CANCELLING, Status.CANCELLED)

    @property
    def wanted(self) -> dict[str, int]:
        """Quantity by sku."""
        return {line.sku: line.qty for line in self.lines}

    def claim(self, line: Line) -> Claim:
        """Return what a line asks of the stock; its reference is the same each time."""
        return Claim(f"{self.id}/{line.sku}", line.sku, line.qty)

    def is_held_at(self, moment: datetime) -> bool:
        """Whether all of its reservations last until `moment`."""
        return self.reserved_until is not None and self.reserved_until > moment


@dataclass(frozen=True)
class Move:
    """A change of status: from where it is allowed, where to, and for a cancellation why."""

    sources: tuple[Status, ...]
    target: Status
    reason: CancelReason | None = None


HOLD = Move((Status.PENDING,), Status.RESERVED)
CHECK_OUT = Move((Status.RESERVED,), Status.CONFIRMING)
COMPLETE = Move((Status.CONFIRMING,), Status.CONFIRMED)
CLOSE = Move((Status.CANCELLING,), Status.CANCELLED)

_CANCEL_SOURCES = {
    CancelReason.CUSTOMER: (Status.PENDING, Status.RESERVED),
    CancelReason.OUT_OF_STOCK: (Status.PENDING,),
    # Confirming too: the stock may find the first reservation lapsed, before any was confirmed.
    CancelReason.EXPIRED: (Status.RESERVED, Status.CONFIRMING),
    CancelReason.ABANDONED: (Status.PENDING,),
}


def cancellation(reason: CancelReason) -> Move:
    """Return the move that gives an order up for this reason."""
    return Move(_CANCEL_SOURCES[reason], Status.CANCELLING, reason)
