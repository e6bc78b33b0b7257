"""The real database as tests see it, and how the services reach it."""

from dataclasses import dataclass

import psycopg

from legacy_app.adapters.database import Database

# Each must return no row, whatever happened. deploy/system.yaml holds the same for deploytool.
INVARIANTS = {
    "the shop's own stock is never oversold": """
        SELECT sku, on_hand, reserved FROM shop.stock WHERE reserved < 0 OR reserved > on_hand
    """,
    "the shop's own reserved is the sum of its pending reservations": """
        SELECT s.sku, s.reserved, coalesce(sum(r.qty), 0) AS pending
        FROM shop.stock s
        LEFT JOIN shop.reservations r ON r.sku = s.sku AND r.state = 'pending'
        GROUP BY s.sku HAVING s.reserved <> coalesce(sum(r.qty), 0)
    """,
    "the inventory's reserved is the sum of its pending reservations": """
        SELECT s.sku, s.reserved, coalesce(sum(r.qty), 0) AS pending
        FROM inventory.stock s
        LEFT JOIN inventory.reservations r ON r.sku = s.sku AND r.state = 'pending'
        GROUP BY s.sku HAVING s.reserved <> coalesce(sum(r.qty), 0)
    """,
    "every confirmed order line has a confirmed reservation": """
        SELECT l.order_id, l.sku, l.qty
        FROM shop.orders o JOIN shop.order_lines l ON l.order_id = o.id
        WHERE o.status = 'confirmed'
          AND NOT EXISTS (
            SELECT FROM inventory.reservations r
            WHERE r.order_ref = l.order_id || '/' || l.sku
              AND r.sku = l.sku AND r.qty = l.qty AND r.state = 'confirmed')
          AND NOT EXISTS (
            SELECT FROM shop.reservations r
            WHERE r.order_ref = l.order_id || '/' || l.sku
              AND r.sku = l.sku AND r.qty = l.qty AND r.state = 'confirmed')
    """,
    "every confirmed reservation belongs to an order that was checked out": """
        SELECT r.order_ref
        FROM (SELECT order_ref, sku, qty, state FROM inventory.reservations
              UNION ALL
              SELECT order_ref, sku, qty, state FROM shop.reservations) r
        WHERE r.state = 'confirmed'
          AND NOT EXISTS (
            SELECT FROM shop.orders o JOIN shop.order_lines l ON l.order_id = o.id
            WHERE l.order_id || '/' || l.sku = r.order_ref
              AND l.sku = r.sku AND l.qty = r.qty AND o.status IN ('confirming', 'confirmed'))
    """,
}


@dataclass(frozen=True)
class Postgres:
    """Where the server is (its roles need no password there), and a connection of the owner."""

    socket: str
    owner: psycopg.Connection

    def query(self, statement: str, *parameters: object) -> list[tuple[object, ...]]:
        """Run a statement as the owner and return its rows."""
        cursor = self.owner.execute(statement.encode(), parameters)
        return cursor.fetchall() if cursor.description else []

    def one(self, statement: str, *parameters: object) -> object:
        [(value,)] = self.query(statement, *parameters)
        return value

    def reset(self) -> None:
        """Bring the data back to what the migrations left."""
        self.query(
            "TRUNCATE shop.orders, shop.order_lines, shop.reservations,"
            " inventory.reservations, inventory.idempotency RESTART IDENTITY"
        )
        self.query(
            "UPDATE inventory.stock s SET reserved = 0, on_hand ="
            " (SELECT sum(qty) FROM inventory.receipts r WHERE r.sku = s.sku)"
        )
        self.query(
            "UPDATE shop.stock s SET reserved = 0, on_hand = i.on_hand"
            " FROM inventory.stock i WHERE i.sku = s.sku"
        )

    def check_invariants(self) -> None:
        for name, statement in INVARIANTS.items():
            assert self.query(statement) == [], name


def connected(socket: str, database: str) -> psycopg.Connection:
    return psycopg.connect(host=socket, dbname=database, user="postgres", autocommit=True)


def values(postgres: Postgres, user: str) -> dict[str, object]:
    return {
        "db_host": postgres.socket,
        "db_user": user,
        "db_pass": "unused",
        "db_name": "demo",
        "listen_port": 1,
        "service_revision": "r1",
    }


def database_of_the_shop(postgres: Postgres) -> Database:
    return Database(
        host=postgres.socket, port=5432, user="legacy_app", password="unused", name="demo"
    )
