"""Stock and reservations in PostgreSQL: each change is one statement, so it is one transaction.

Locks are taken in one order everywhere, so that two changes cannot wait for each other:
`reserve` locks stock and adds rows that nobody else has yet; `settle` and `expire` lock existing
reservations, then stock (`expire` several articles, in order of sku).
"""

from typing import Any

from psycopg import AsyncConnection, errors
from psycopg.rows import class_row, dict_row, kwargs_row
from pydantic import TypeAdapter

from new_microservice.adapters.database import Database
from new_microservice.domain.reservation import (
    Answer,
    Known,
    Reservation,
    ReservationRequest,
    State,
    StockLevel,
)

# The two NOT EXISTS let a repetition pass without touching the stock row: it would otherwise hold
# that lock while waiting for the reservation, which `settle` locks the other way round. They are
# no check: two first requests at once meet at the unique indexes.
RESERVE = """
WITH taken AS (
    UPDATE inventory.stock SET reserved = reserved + %(qty)s, version = version + 1
    WHERE sku = %(sku)s AND reserved + %(qty)s <= on_hand
      AND NOT EXISTS (SELECT FROM inventory.idempotency WHERE key = %(key)s)
      AND NOT EXISTS (SELECT FROM inventory.reservations WHERE order_ref = %(order_ref)s)
    RETURNING sku
), made AS (
    INSERT INTO inventory.reservations (order_ref, sku, qty, expires_at)
    SELECT %(order_ref)s, sku, %(qty)s, now() + make_interval(secs => %(ttl_s)s) FROM taken
    RETURNING id, order_ref, sku, qty, state, expires_at
), kept AS (
    INSERT INTO inventory.idempotency (key, fingerprint, status, body)
    SELECT %(key)s, %(fingerprint)s, 201, to_jsonb(made) FROM made
)
SELECT * FROM made
"""

CONFIRM = """
WITH moved AS (
    UPDATE inventory.reservations SET state = 'confirmed'
    WHERE id = %(id)s AND state = 'pending' AND expires_at > now()
    RETURNING id, order_ref, sku, qty, state, expires_at
), taken AS (
    UPDATE inventory.stock s
    SET on_hand = on_hand - m.qty, reserved = reserved - m.qty, version = version + 1
    FROM moved m WHERE s.sku = m.sku
)
SELECT * FROM moved
"""

CANCEL = """
WITH moved AS (
    UPDATE inventory.reservations SET state = 'cancelled'
    WHERE id = %(id)s AND state = 'pending'
    RETURNING id, order_ref, sku, qty, state, expires_at
), freed AS (
    UPDATE inventory.stock s SET reserved = reserved - m.qty, version = version + 1
    FROM moved m WHERE s.sku = m.sku
)
SELECT * FROM moved
"""

# SKIP LOCKED: two instances share the work instead of waiting for, or repeating, each other's.
EXPIRE = """
WITH due AS (
    SELECT id FROM inventory.reservations
    WHERE state = 'pending' AND expires_at <= now()
    ORDER BY expires_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), expired AS (
    UPDATE inventory.reservations r SET state = 'expired' FROM due
    WHERE r.id = due.id RETURNING r.sku, r.qty
), freed AS (
    SELECT sku, sum(qty) AS qty FROM expired GROUP BY sku
), locked AS (
    SELECT s.sku, freed.qty FROM inventory.stock s JOIN freed USING (sku)
    ORDER BY s.sku FOR UPDATE OF s
), released AS (
    UPDATE inventory.stock s SET reserved = s.reserved - locked.qty, version = s.version + 1
    FROM locked WHERE s.sku = locked.sku
)
SELECT count(*) AS expired FROM expired
"""

# Clients repeat within minutes; a day is generous, and order_ref guards for ever.
FORGET = "DELETE FROM inventory.idempotency WHERE created_at < now() - interval '1 day'"

KEPT = "SELECT fingerprint, status, body FROM inventory.idempotency WHERE key = %(key)s"
EXISTING = """
SELECT id, order_ref, sku, qty, state, expires_at FROM inventory.reservations
WHERE order_ref = %(order_ref)s
"""
FIND = """
SELECT id, order_ref, sku, qty, state, expires_at FROM inventory.reservations WHERE id = %(id)s
"""
STOCK_OF_ALL = "SELECT sku, on_hand, reserved FROM inventory.stock ORDER BY sku"
STOCK_OF = """
SELECT sku, on_hand, reserved FROM inventory.stock WHERE sku = ANY(%(skus)s) ORDER BY sku
"""

stock_row = class_row(StockLevel)
kept_reservation = TypeAdapter(Reservation)


def to_reservation(state: str, **columns: Any) -> Reservation:
    """Make a reservation of a row."""
    return Reservation(state=State(state), **columns)


def to_kept_answer(fingerprint: str, status: int, body: object) -> tuple[str, Answer]:
    """Make an answer, and the fingerprint of its request, of a row."""
    return fingerprint, Answer(status, kept_reservation.validate_python(body))


reservation_row = kwargs_row(to_reservation)
answer_row = kwargs_row(to_kept_answer)


class PostgresStore:
    """Implements domain.store.Store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(
        self, request: ReservationRequest, key: str, ttl_s: float
    ) -> Reservation | None:
        """See Store."""
        values = {
            "order_ref": request.order_ref,
            "sku": request.sku,
            "qty": request.qty,
            "key": key,
            "fingerprint": request.fingerprint,
            "ttl_s": ttl_s,
        }
        try:
            return await self._reservation(RESERVE, values)
        except errors.UniqueViolation:
            # The same request arrived twice at once, and the other one came first.
            return None

    async def known(self, request: ReservationRequest, key: str) -> Known:
        """See Store."""

        async def work(connection: AsyncConnection) -> Known:
            answers = connection.cursor(row_factory=answer_row)
            await answers.execute(KEPT, {"key": key})
            held = connection.cursor(row_factory=reservation_row)
            await held.execute(EXISTING, {"order_ref": request.order_ref})
            level = connection.cursor(row_factory=stock_row)
            await level.execute(STOCK_OF, {"skus": [request.sku]})
            return Known(await answers.fetchone(), await held.fetchone(), await level.fetchone())

        return await self._database.run(work)

    async def settle(self, reservation_id: int, state: State) -> Reservation | None:
        """See Store."""
        statement = CONFIRM if state is State.CONFIRMED else CANCEL
        return await self._reservation(statement, {"id": reservation_id})

    async def find(self, reservation_id: int) -> Reservation | None:
        """See Store."""
        return await self._reservation(FIND, {"id": reservation_id})

    async def stock(self, skus: list[str]) -> list[StockLevel]:
        """See Store."""

        async def work(connection: AsyncConnection) -> list[StockLevel]:
            cursor = connection.cursor(row_factory=stock_row)
            await cursor.execute(STOCK_OF if skus else STOCK_OF_ALL, {"skus": skus})
            return await cursor.fetchall()

        return await self._database.run(work)

    async def expire(self, limit: int) -> int:
        """See Store."""

        async def work(connection: AsyncConnection) -> int:
            cursor = connection.cursor(row_factory=dict_row)
            row = await (await cursor.execute(EXPIRE, {"limit": limit})).fetchone()
            return int(row["expired"]) if row else 0

        return await self._database.run(work)

    async def forget_answers(self) -> int:
        """See Store."""

        async def work(connection: AsyncConnection) -> int:
            return (await connection.execute(FORGET)).rowcount

        return await self._database.run(work)

    async def _reservation(self, statement: str, values: dict[str, object]) -> Reservation | None:
        async def work(connection: AsyncConnection) -> Reservation | None:
            cursor = connection.cursor(row_factory=reservation_row)
            await cursor.execute(statement, values)
            return await cursor.fetchone()

        return await self._database.run(work)
