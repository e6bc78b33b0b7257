"""The stock as the monolith keeps it: two tables of its own schema."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from legacy_app.adapters.database import Connection, Database
from legacy_app.domain.errors import OutOfStock, ReservationFinal, ReservationLost, StockRefused
from legacy_app.domain.stock import Claim


class SqlStock:
    """A StockGateway on shop.stock and shop.reservations.

    Every transaction locks its reservation first and its stock last: the stock rows are the
    contended ones, and one order of locking means no deadlock.
    """

    def __init__(self, database: Database, hold_for: timedelta) -> None:
        self._database = database
        self._hold_for = hold_for

    async def available(self, skus: Iterable[str]) -> dict[str, int]:
        """Return the quantity free by sku."""
        rows = await self._database.fetch(
            "SELECT sku, on_hand - reserved AS available FROM shop.stock WHERE sku = ANY(%s)",
            (list(skus),),
        )
        return {row["sku"]: row["available"] for row in rows}

    async def reserve(self, claim: Claim) -> datetime:
        """Hold the goods; return until when. Raises OutOfStock."""

        async def work(connection: Connection) -> datetime:
            async with connection.transaction():
                return await self._reserve(connection, claim)

        return await self._database.run(work)

    async def _reserve(self, connection: Connection, claim: Claim) -> datetime:
        cursor = await connection.execute(
            """
            INSERT INTO shop.reservations (order_ref, sku, qty, state, expires_at)
            SELECT %s, sku, %s, 'pending', now() + %s FROM shop.stock WHERE sku = %s
            ON CONFLICT (order_ref) DO NOTHING
            RETURNING expires_at
            """,
            (claim.order_ref, claim.qty, self._hold_for, claim.sku),
        )
        added = await cursor.fetchone()
        if added is None:
            return await _known_reservation(connection, claim)
        taken = await connection.execute(
            """
            UPDATE shop.stock SET reserved = reserved + %(qty)s, version = version + 1
            WHERE sku = %(sku)s AND reserved + %(qty)s <= on_hand
            """,
            {"sku": claim.sku, "qty": claim.qty},
        )
        if taken.rowcount == 0:
            raise OutOfStock(claim.sku)
        expires_at: datetime = added["expires_at"]
        return expires_at

    async def confirm(self, claim: Claim) -> None:
        """Take the reserved goods out of the stock. Raises ReservationLost."""

        async def work(connection: Connection) -> None:
            async with connection.transaction():
                if await _leave_pending(connection, claim, "confirmed"):
                    await connection.execute(
                        """
                        UPDATE shop.stock
                        SET on_hand = on_hand - %(qty)s, reserved = reserved - %(qty)s,
                            version = version + 1
                        WHERE sku = %(sku)s
                        """,
                        {"sku": claim.sku, "qty": claim.qty},
                    )
                elif await _state(connection, claim) != "confirmed":
                    raise ReservationLost(claim.order_ref)

        await self._database.run(work)

    async def cancel(self, claim: Claim) -> None:
        """Give the goods back. Raises ReservationFinal."""

        async def work(connection: Connection) -> None:
            async with connection.transaction():
                # A claim that nobody made is written down as cancelled, so that a `reserve` of
                # it still under way finds it and takes nothing.
                tombstone = await connection.execute(
                    """
                    INSERT INTO shop.reservations (order_ref, sku, qty, state, expires_at)
                    SELECT %s, sku, %s, 'cancelled', now() FROM shop.stock WHERE sku = %s
                    ON CONFLICT (order_ref) DO NOTHING
                    """,
                    (claim.order_ref, claim.qty, claim.sku),
                )
                if tombstone.rowcount:
                    return
                if await _leave_pending(connection, claim, "cancelled"):
                    await _release(connection, claim.sku, claim.qty)
                elif await _state(connection, claim) == "confirmed":
                    raise ReservationFinal(claim.order_ref)

        await self._database.run(work)

    async def expire(self, limit: int) -> int:
        """Release reservations past their time, `limit` at most; return how many.

        Two instances may do this at once: each leaves the rows alone that the other has locked.
        """

        async def work(connection: Connection) -> int:
            async with connection.transaction():
                cursor = await connection.execute(
                    """
                    UPDATE shop.reservations SET state = 'expired'
                    WHERE id IN (
                        SELECT id FROM shop.reservations
                        WHERE state = 'pending' AND expires_at < now()
                        ORDER BY expires_at LIMIT %s
                        FOR UPDATE SKIP LOCKED
                    )
                    RETURNING sku, qty
                    """,
                    (limit,),
                )
                expired = await cursor.fetchall()
                freed: Counter[str] = Counter()
                for row in expired:
                    freed[row["sku"]] += row["qty"]
                for sku in sorted(freed):
                    await _release(connection, sku, freed[sku])
                return len(expired)

        return await self._database.run(work)


async def _known_reservation(connection: Connection, claim: Claim) -> datetime:
    cursor = await connection.execute(
        "SELECT sku, qty, expires_at FROM shop.reservations WHERE order_ref = %s",
        (claim.order_ref,),
    )
    known = await cursor.fetchone()
    if known is None:
        raise OutOfStock(claim.sku)  # the stock has no such sku at all
    if (known["sku"], known["qty"]) != (claim.sku, claim.qty):
        raise StockRefused(f"The reservation {claim.order_ref} has another content.")
    expires_at: datetime = known["expires_at"]
    return expires_at


async def _leave_pending(connection: Connection, claim: Claim, state: str) -> bool:
    # One past its time can be cancelled but not confirmed, whether or not it was swept by now.
    cursor = await connection.execute(
        """
        UPDATE shop.reservations SET state = %(state)s
        WHERE order_ref = %(ref)s AND state = 'pending'
          AND (%(state)s <> 'confirmed' OR expires_at > now())
        """,
        {"state": state, "ref": claim.order_ref},
    )
    return cursor.rowcount == 1


async def _state(connection: Connection, claim: Claim) -> str | None:
    cursor = await connection.execute(
        "SELECT state FROM shop.reservations WHERE order_ref = %s", (claim.order_ref,)
    )
    row = await cursor.fetchone()
    return row["state"] if row else None


async def _release(connection: Connection, sku: str, qty: int) -> None:
    await connection.execute(
        "UPDATE shop.stock SET reserved = reserved - %s, version = version + 1 WHERE sku = %s",
        (qty, sku),
    )
