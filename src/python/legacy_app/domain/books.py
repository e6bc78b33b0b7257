"""What the shop writes its business down in; each call is one atomic step."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from legacy_app.domain.catalogue import Product
from legacy_app.domain.orders import Move, Order


class Catalogue(Protocol):
    """The products; all methods raise DatabaseUnavailable."""

    async def all(self) -> list[Product]:
        """Return every product, by name."""
        ...

    async def find(self, skus: Iterable[str]) -> Mapping[str, Product]:
        """Return the products with these skus by sku; unknown ones are missing."""
        ...


class OrderBook(Protocol):
    """The orders; all methods raise DatabaseUnavailable."""

    async def add(
        self, customer: str, wanted: Mapping[str, int], products: Mapping[str, Product], key: str
    ) -> Order:
        """Write a pending order down and return it, or the one that has this key already."""
        ...

    async def get(self, order_id: int) -> Order:
        """Return one order. Raises OrderNotFound."""
        ...

    async def latest(self, limit: int) -> list[Order]:
        """Return the newest orders, newest first."""
        ...

    async def move(self, order: Order, move: Move, *, until: datetime | None = None) -> Order:
        """Change the status if it is one the move starts from; return the order as it is now.

        `until`: when the first of its reservations lapses, if that has just become known.
        """
        ...

    async def take_stuck(
        self, *, pending_for: timedelta, unfinished_for: timedelta, limit: int
    ) -> list[Order]:
        """Return orders that nobody has moved for so long, and keep other takers off them.

        `pending_for` is for pending ones, `unfinished_for` for confirming and cancelling ones;
        another taker waits as long again.
        """
        ...
