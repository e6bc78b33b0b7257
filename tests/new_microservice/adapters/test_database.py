"""A database that breaks connections, restarts or is away."""

import asyncio

import httpx2
import pytest

from tests.new_microservice.running import Fill, Postgres, Start


async def reserve(client: httpx2.AsyncClient, n: int) -> int:
    answer = await client.post(
        "/v1/reservations",
        json={"order_ref": f"{n}/BOWL", "sku": "BOWL", "qty": 1},
        headers={"Idempotency-Key": f"k{n}"},
    )
    return answer.status_code


async def test_broken_idle_connections_fail_no_request(
    postgres: Postgres, service: Start, stocked: Fill
) -> None:
    stocked(BOWL=100)
    async with service() as client:
        assert await asyncio.gather(*(reserve(client, n) for n in range(10))) == [201] * 10
        killed = postgres.query(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE usename = 'inventory'"
        )
        assert len(killed) >= 4
        assert await asyncio.gather(*(reserve(client, n) for n in range(10, 30))) == [201] * 20


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_a_restart_of_postgresql_loses_no_request(
    postgres: Postgres, service: Start, stocked: Fill, mode: str
) -> None:
    """`immediate` cuts the connections as a crash does, in the midst of statements."""
    stocked(BOWL=1000)
    async with service() as client:
        restart = asyncio.create_task(asyncio.to_thread(postgres.control, "-m", mode, "restart"))
        requests: list[asyncio.Task[int]] = []
        while not restart.done() or len(requests) < 100:
            requests.append(asyncio.create_task(reserve(client, len(requests))))
            await asyncio.sleep(0.01)
        await restart
        assert set(await asyncio.gather(*requests)) == {201}
        reserved = (await client.get("/v1/stock/BOWL")).json()["reserved"]
        assert reserved == len(requests)


async def test_a_database_that_was_away_for_long_is_found_again_at_once(
    postgres: Postgres, service: Start, stocked: Fill
) -> None:
    stocked(BOWL=1)
    async with service() as client:
        assert (await client.get("/v1/stock")).status_code == 200
        await asyncio.to_thread(postgres.control, "-m", "fast", "stop")
        waiting = asyncio.create_task(client.get("/v1/stock"))
        # The pool left to itself would by now ask again after 7 s.
        await asyncio.sleep(3.5)
        await asyncio.to_thread(postgres.server.ensure_postgres_running)
        async with asyncio.timeout(2):
            assert (await waiting).status_code == 200


async def test_a_database_that_is_away_is_said_to_be(
    postgres: Postgres, service: Start, stocked: Fill
) -> None:
    stocked(BOWL=1)
    # Nothing is needed at the start: here it is a database that never was.
    async with service(db_host="/nonexistent") as client:
        assert (await client.get("/livez")).status_code == 200
        ready, stock = await asyncio.gather(client.get("/readyz"), client.get("/v1/stock"))
        assert (ready.status_code, ready.json()["type"]) == (503, "not-ready")
        assert (stock.status_code, stock.json()["type"]) == (503, "store-unavailable")
        assert stock.headers["retry-after"] == "1"


async def test_a_statement_that_hangs_on_a_lock_is_given_up(
    postgres: Postgres, service: Start, stocked: Fill
) -> None:
    stocked(BOWL=1)
    with postgres.connect() as connection, connection.transaction():
        connection.execute("LOCK TABLE inventory.stock IN ACCESS EXCLUSIVE MODE")
        async with service() as client, asyncio.timeout(4):
            assert (await client.get("/v1/stock")).status_code == 503
