"""Stock comes back from reservations that nobody confirmed in time."""

import asyncio

import pytest

from new_microservice.adapters.database import Database
from new_microservice.adapters.postgres_store import PostgresStore
from new_microservice.service_layer import sweeper
from tests.new_microservice.running import Fill, Postgres, Start


def add_overdue(postgres: Postgres, count: int) -> None:
    """Reserve one BOWL and one CUP `count` times, all overdue; and one BOWL that is not."""
    with postgres.connect() as connection:
        connection.execute(
            "INSERT INTO inventory.reservations (order_ref, sku, qty, expires_at)"
            " SELECT n || '/' || sku, sku, 1, now() - interval '1 second'"
            " FROM generate_series(1, %s) n, unnest(ARRAY['BOWL', 'CUP']) sku",
            (count,),
        )
        connection.execute(
            "INSERT INTO inventory.reservations (order_ref, sku, qty, expires_at)"
            " VALUES ('0/BOWL', 'BOWL', 1, now() + interval '1 hour')"
        )
        connection.execute(
            "UPDATE inventory.stock SET reserved ="
            " (SELECT count(*) FROM inventory.reservations r WHERE r.sku = stock.sku)"
        )


async def test_two_workers_share_the_work_and_nothing_is_given_back_twice(
    postgres: Postgres, stocked: Fill, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stocked(BOWL=400, CUP=400)
    add_overdue(postgres, 300)
    monkeypatch.setattr(sweeper, "BATCH", 20)
    databases = [
        Database(host=environment["DB_HOST"], port=5432, user="inventory", password="", name="demo")
        for _ in range(2)
    ]
    for database in databases:
        await database.open()
    shares = await asyncio.gather(*(sweeper.sweep(PostgresStore(d)) for d in databases))
    for database in databases:
        await database.close()
    assert sum(shares) == 600
    assert min(shares) > 0
    assert postgres.query("SELECT sku, reserved FROM inventory.stock ORDER BY sku") == [
        ("BOWL", 1),
        ("CUP", 0),
    ]


async def test_an_overdue_reservation_cannot_be_confirmed_and_is_swept_by_itself(
    service: Start, stocked: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    stocked(BOWL=1)
    # The first sweep, at the start, is over before there is anything; wait for the second.
    monkeypatch.setattr(sweeper, "INTERVAL_S", 0.5)
    async with service(reservation_ttl_s=0.01) as client:
        made = await client.post(
            "/v1/reservations",
            json={"order_ref": "1/BOWL", "sku": "BOWL", "qty": 1},
            headers={"Idempotency-Key": "k"},
        )
        path = f"/v1/reservations/{made.json()['id']}"
        await asyncio.sleep(0.02)
        late = await client.post(f"{path}/confirm")
        assert (late.status_code, late.json()["type"]) == (409, "reservation-closed")
        assert late.json()["detail"].endswith("is expired, it cannot be confirmed")
        for _ in range(60):
            if (await client.get(path)).json()["state"] == "expired":
                break
            await asyncio.sleep(0.05)
        assert (await client.get("/v1/stock/BOWL")).json()["available"] == 1
        assert "reservations_expired_total 1.0" in (await client.get("/metrics")).text


async def test_old_answers_are_forgotten_and_young_ones_kept(
    postgres: Postgres, stocked: Fill, environment: dict[str, str]
) -> None:
    stocked()
    with postgres.connect() as connection:
        connection.execute(
            "INSERT INTO inventory.idempotency VALUES"
            " ('old', '', 201, '{}', now() - interval '25 hours'), ('young', '', 201, '{}', now())"
        )
    database = Database(
        host=environment["DB_HOST"], port=5432, user="inventory", password="", name="demo"
    )
    await database.open()
    assert await PostgresStore(database).forget_answers() == 1
    await database.close()
    assert postgres.query("SELECT key FROM inventory.idempotency") == [("young",)]
