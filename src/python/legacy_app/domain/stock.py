"""The seam at which the inventory was cut out of the shop: all the shop asks of a stock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Claim:
    """A wish for `qty` (at least 1) of `sku`; `order_ref` names it for good."""

    order_ref: str
    sku: str
    qty: int


class AvailableStock(Protocol):
    """How much of each product can be sold."""

    async def available(self, skus: Iterable[str]) -> Mapping[str, int]:
        """Return the quantity free by sku; a sku unknown to the stock is missing.

        Raises Unavailable.
        """
        ...


class StockGateway(AvailableStock, Protocol):
    """A stock that reserves first and then confirms or cancels.

    Every call may be repeated, and changes something the first time only. Each can raise
    Unavailable, after which it may have happened or not, and StockRefused.
    """

    async def reserve(self, claim: Claim) -> datetime:
        """Hold the goods; return until when. Raises OutOfStock."""
        ...

    async def confirm(self, claim: Claim) -> None:
        """Take the reserved goods out of the stock. Raises ReservationLost."""
        ...

    async def cancel(self, claim: Claim) -> None:
        """Give the goods back, and hold nothing for a late `reserve` of the same claim.

        A claim that was never reserved, or has lapsed, is fine. Raises ReservationFinal.
        """
        ...
