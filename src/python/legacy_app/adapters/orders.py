"""The orders in the schema of the shop."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, LiteralString

from psycopg.rows import DictRow

from legacy_app.adapters.database import Database
from legacy_app.domain.catalogue import Product
from legacy_app.domain.errors import OrderNotFound
from legacy_app.domain.orders import CancelReason, Line, Move, Order, Status

_SELECT: LiteralString = """
    SELECT o.id, o.customer, o.status, o.cancel_reason, o.reserved_until, o.created_at,
           l.sku, p.name, l.qty, l.price_cents
    FROM shop.orders o
    JOIN shop.order_lines l ON l.order_id = o.id
    JOIN shop.products p ON p.sku = l.sku
"""
_SORTED: LiteralString = " ORDER BY o.id DESC, l.sku"


class SqlOrders:
    """An OrderBook on shop.orders and shop.order_lines; see there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, customer: str, wanted: Mapping[str, int], products: Mapping[str, Product], key: str
    ) -> Order:
        """Write a pending order down and return it, or the one that has this key already."""
        skus = sorted(wanted)
        rows = await self._database.fetch(
            """
            WITH added AS (
                INSERT INTO shop.orders (customer, idempotency_key)
                VALUES (%(customer)s, %(key)s)
                ON CONFLICT (idempotency_key) DO NOTHING
                RETURNING id, created_at
            ), lines AS (
                INSERT INTO shop.order_lines (order_id, sku, qty, price_cents)
                SELECT added.id, line.* FROM added,
                    unnest(%(skus)s::text[], %(qtys)s::int[], %(prices)s::int[]) AS line
            )
            SELECT id, created_at FROM added
            """,
            {
                "customer": customer,
                "key": key,
                "skus": skus,
                "qtys": [wanted[sku] for sku in skus],
                "prices": [products[sku].price_cents for sku in skus],
            },
        )
        if not rows:
            return (await self._select(" WHERE o.idempotency_key = %(key)s", {"key": key}))[0]
        lines = (
            Line(sku, products[sku].name, wanted[sku], products[sku].price_cents) for sku in skus
        )
        [row] = rows
        return Order(row["id"], customer, Status.PENDING, tuple(lines), row["created_at"])

    async def get(self, order_id: int) -> Order:
        """Return one order. Raises OrderNotFound."""
        found = await self._select(" WHERE o.id = %(id)s", {"id": order_id})
        if not found:
            raise OrderNotFound(order_id)
        return found[0]

    async def latest(self, limit: int) -> list[Order]:
        """Return the newest orders, newest first."""
        return await self._select(
            " WHERE o.id IN (SELECT id FROM shop.orders ORDER BY id DESC LIMIT %(limit)s)",
            {"limit": limit},
        )

    async def move(self, order: Order, move: Move, *, until: datetime | None = None) -> Order:
        """Change the status if it is one the move starts from; return the order as it is now."""
        rows = await self._database.fetch(
            """
            UPDATE shop.orders
            SET status = %(target)s, cancel_reason = %(reason)s, updated_at = now(),
                reserved_until = coalesce(%(until)s, reserved_until)
            WHERE id = %(id)s AND status = ANY(%(sources)s)
            RETURNING status, cancel_reason, reserved_until
            """,
            {
                "id": order.id,
                "sources": list(move.sources),
                "target": move.target,
                "reason": move.reason or order.cancel_reason,
                "until": until,
            },
        )
        if not rows:
            return await self.get(order.id)
        return replace(order, **_state(rows[0]))

    async def take_stuck(
        self, *, pending_for: timedelta, unfinished_for: timedelta, limit: int
    ) -> list[Order]:
        """Return orders that nobody has moved for so long, and keep other takers off them."""
        # Taking renews the time of the last change, so that it is a lease without a lock: a taker
        # who dies gives the order back by doing nothing.
        rows = await self._database.fetch(
            """
            UPDATE shop.orders SET updated_at = now()
            WHERE id IN (
                SELECT id FROM shop.orders
                WHERE (status = 'pending' AND updated_at < now() - %(pending_for)s)
                   OR (status IN ('confirming', 'cancelling')
                       AND updated_at < now() - %(unfinished_for)s)
                ORDER BY updated_at LIMIT %(limit)s
                FOR UPDATE SKIP LOCKED
            )
            RETURNING id
            """,
            {"pending_for": pending_for, "unfinished_for": unfinished_for, "limit": limit},
        )
        if not rows:
            return []
        return await self._select(" WHERE o.id = ANY(%(ids)s)", {"ids": [r["id"] for r in rows]})

    async def _select(self, where: LiteralString, parameters: Mapping[str, Any]) -> list[Order]:
        rows = await self._database.fetch(_SELECT + where + _SORTED, parameters)
        return [_order(list(group)) for _, group in groupby(rows, key=lambda row: row["id"])]


def _order(rows: list[DictRow]) -> Order:
    head = rows[0]
    lines = tuple(Line(row["sku"], row["name"], row["qty"], row["price_cents"]) for row in rows)
    return Order(
        id=head["id"],
        customer=head["customer"],
        lines=lines,
        created_at=head["created_at"],
        **_state(head),
    )


def _state(row: DictRow) -> dict[str, Any]:
    reason = row["cancel_reason"]
    return {
        "status": Status(row["status"]),
        "cancel_reason": CancelReason(reason) if reason else None,
        "reserved_until": row["reserved_until"],
    }
