"""Each service may do what it needs in its own schema, and nothing beside it."""

import psycopg
import pytest

from tests.new_microservice.running import Fill, Postgres


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("inventory", "CREATE TABLE inventory.x ()"),
        ("inventory", "CREATE TABLE public.x ()"),
        ("inventory", "CREATE TEMPORARY TABLE x ()"),
        ("inventory", "DELETE FROM inventory.reservations"),
        ("inventory", "UPDATE inventory.reservations SET qty = 1"),
        ("inventory", "INSERT INTO inventory.stock VALUES ('X', 1)"),
        ("inventory", "SELECT FROM shop.products"),
        ("legacy_app", "SELECT FROM inventory.stock"),
        ("legacy_app", "SELECT FROM inventory.reservations"),
        ("legacy_app", "DELETE FROM inventory.stock_v1"),
        ("legacy_app", "UPDATE inventory.stock_v1 SET sku = 'X'"),
    ],
)
def test_a_role_is_refused_what_it_does_not_need(
    postgres: Postgres, role: str, statement: str
) -> None:
    with (
        psycopg.connect(host=postgres.socket_dir, user=role, dbname="demo") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_legacy_app_reads_what_is_available_through_the_view(
    postgres: Postgres, stocked: Fill
) -> None:
    stocked(BOWL=3)
    with psycopg.connect(host=postgres.socket_dir, user="legacy_app", dbname="demo") as connection:
        rows = connection.execute("SELECT * FROM inventory.stock_v1").fetchall()
    assert rows == [("BOWL", 3)]


@pytest.mark.parametrize(("on_hand", "reserved"), [(1, 2), (1, -1)])
def test_the_table_itself_refuses_to_oversell(
    postgres: Postgres, on_hand: int, reserved: int
) -> None:
    with postgres.connect() as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(
            "INSERT INTO inventory.stock (sku, on_hand, reserved) VALUES ('X', %s, %s)",
            (on_hand, reserved),
        )


def test_the_migrations_can_be_taken_back_and_made_again(postgres: Postgres) -> None:
    with postgres.connect() as connection:
        connection.execute("CREATE DATABASE again")
    for command in ("up", "down", "down", "down", "up"):
        postgres.migrate(command, "again")
    with psycopg.connect(host=postgres.socket_dir, user="postgres", dbname="again") as connection:
        goods = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE s.on_hand <= 40), bool_and(p.sku IS NOT NULL)"
            " FROM inventory.stock s LEFT JOIN shop.products p USING (sku)"
            " JOIN shop.stock m USING (sku, on_hand) JOIN inventory.receipts r USING (sku)"
        ).fetchone()
    assert goods == (12, 2, True)
