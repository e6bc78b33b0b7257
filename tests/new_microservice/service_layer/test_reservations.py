"""What a client sees when it reserves, confirms and cancels."""

import asyncio

import httpx2

from tests.new_microservice.running import Fill, Postgres, Start


async def reserve(
    client: httpx2.AsyncClient, ref: str, sku: str = "BOWL", qty: int = 1, key: str | None = None
) -> httpx2.Response:
    return await client.post(
        "/v1/reservations",
        json={"order_ref": ref, "sku": sku, "qty": qty},
        headers={"Idempotency-Key": key or f"key-{ref}"},
    )


async def levels(client: httpx2.AsyncClient, sku: str = "BOWL") -> tuple[int, int, int]:
    stock = (await client.get(f"/v1/stock/{sku}")).json()
    assert stock["sku"] == sku
    return stock["on_hand"], stock["reserved"], stock["available"]


async def test_a_reservation_holds_stock_and_its_confirmation_takes_it(
    service: Start, stocked: Fill
) -> None:
    stocked(BOWL=5)
    async with service() as client:
        made = await reserve(client, "1/BOWL", qty=2)
        assert made.status_code == 201
        assert made.json() | {"id": 0, "expires_at": ""} == {
            "id": 0,
            "order_ref": "1/BOWL",
            "sku": "BOWL",
            "qty": 2,
            "state": "pending",
            "expires_at": "",
        }
        assert await levels(client) == (5, 2, 3)
        for _ in range(2):
            confirmed = await client.post(f"/v1/reservations/{made.json()['id']}/confirm")
            assert (confirmed.status_code, confirmed.json()["state"]) == (200, "confirmed")
            assert await levels(client) == (3, 0, 3)
        refused = await client.delete(f"/v1/reservations/{made.json()['id']}")
        assert (refused.status_code, refused.json()["type"]) == (409, "reservation-closed")


async def test_a_cancelled_reservation_gives_its_stock_back_once(
    service: Start, stocked: Fill
) -> None:
    stocked(BOWL=5)
    async with service() as client:
        made = (await reserve(client, "1/BOWL", qty=2)).json()
        for _ in range(2):
            cancelled = await client.delete(f"/v1/reservations/{made['id']}")
            assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
            assert await levels(client) == (5, 0, 5)
        refused = await client.post(f"/v1/reservations/{made['id']}/confirm")
        assert refused.status_code == 409
        found = await client.get(f"/v1/reservations/{made['id']}")
        assert found.json() == made | {"state": "cancelled"}


async def test_the_same_key_gives_the_same_answer_even_when_nothing_is_left(
    service: Start, stocked: Fill
) -> None:
    stocked(BOWL=1)
    async with service() as client:
        first = await reserve(client, "1/BOWL")
        await client.post(f"/v1/reservations/{first.json()['id']}/confirm")
        again = await reserve(client, "1/BOWL")
        assert (again.status_code, again.json()) == (201, first.json())
        assert await levels(client) == (0, 0, 0)


async def test_a_key_stands_for_one_request(service: Start, stocked: Fill) -> None:
    stocked(BOWL=5)
    async with service() as client:
        await reserve(client, "1/BOWL", key="k")
        other = await reserve(client, "2/BOWL", key="k")
        assert (other.status_code, other.json()["type"]) == (422, "idempotency-key-reused")
        assert await levels(client) == (5, 1, 4)


async def test_an_order_ref_stands_for_one_reservation(service: Start, stocked: Fill) -> None:
    stocked(BOWL=5, CUP=5)
    async with service() as client:
        first = await reserve(client, "1/BOWL", key="a")
        same = await reserve(client, "1/BOWL", key="b")
        assert (same.status_code, same.json()) == (200, first.json())
        for sku, qty in (("BOWL", 2), ("CUP", 1)):
            other = await reserve(client, "1/BOWL", sku, qty, key=f"{sku}{qty}")
            assert (other.status_code, other.json()["type"]) == (409, "order-ref-taken")
        assert await levels(client) == (5, 1, 4)


async def test_no_more_can_be_reserved_than_there_is(service: Start, stocked: Fill) -> None:
    stocked(BOWL=3)
    async with service() as client:
        await reserve(client, "1/BOWL", qty=2)
        refused = await reserve(client, "2/BOWL", qty=2)
        assert (refused.status_code, refused.json()["type"]) == (409, "out-of-stock")
        assert refused.headers["content-type"] == "application/problem+json"
        # A refusal is not kept: the stock may be back when the client asks again.
        await client.delete(
            f"/v1/reservations/{(await reserve(client, '1/BOWL', qty=2)).json()['id']}"
        )
        assert (await reserve(client, "2/BOWL", qty=2)).status_code == 201


async def test_unknown_things_are_not_found(service: Start, stocked: Fill) -> None:
    stocked(BOWL=3)
    async with service() as client:
        assert (await reserve(client, "1/X", "X")).json()["type"] == "unknown-sku"
        assert (await client.get("/v1/stock/X")).status_code == 404
        assert (await client.get("/v1/reservations/1")).json()["type"] == "unknown-reservation"
        assert (await client.delete("/v1/reservations/1")).status_code == 404
        assert (await client.post("/v1/reservations/1/confirm")).status_code == 404


async def test_stock_is_listed_whole_or_in_part(service: Start, stocked: Fill) -> None:
    stocked(BOWL=3, CUP=4, PAN=5)
    async with service() as client:
        whole = (await client.get("/v1/stock")).json()
        assert [level["sku"] for level in whole] == ["BOWL", "CUP", "PAN"]
        part = await client.get("/v1/stock", params={"sku": ["PAN", "BOWL", "X"]})
        assert part.json() == [whole[0], whole[2]]


async def test_sixty_buyers_at_two_instances_get_exactly_what_is_there(
    service: Start, stocked: Fill
) -> None:
    stocked(BOWL=20, CUP=30)
    async with service() as one, service() as two:
        answers = await asyncio.gather(
            *(
                reserve((one, two)[n % 2], f"{n}/{sku}", sku)
                for n in range(60)
                for sku in ("BOWL", "CUP")
            )
        )
        statuses = [answer.status_code for answer in answers]
        assert (statuses.count(201), statuses.count(409)) == (50, 70)
        assert await levels(one, "BOWL") == (20, 20, 0)
        assert await levels(two, "CUP") == (30, 30, 0)


async def test_one_request_sent_eight_times_at_once_reserves_once(
    service: Start, stocked: Fill, postgres: Postgres
) -> None:
    stocked(BOWL=50)
    async with service() as one, service() as two:
        with postgres.connect() as connection, connection.transaction():
            # Nobody gets past the shelf until all stand before it, having seen it untouched.
            connection.execute("SELECT FROM inventory.stock FOR UPDATE")
            sent = [asyncio.create_task(reserve((one, two)[n % 2], "1/BOWL")) for n in range(8)]
            await everybody_waits(postgres, 8)
        answers = await asyncio.gather(*sent)
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.text for answer in answers}) == 1
        assert await levels(one) == (50, 1, 49)


async def everybody_waits(postgres: Postgres, count: int) -> None:
    """Return when that many statements of the service wait for a lock."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'inventory'"
        " AND wait_event_type = 'Lock'"
    )
    for _ in range(200):
        if postgres.query(waiting) == [(count,)]:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(postgres.query(waiting))


async def test_confirming_and_cancelling_at_once_has_one_winner(
    service: Start, stocked: Fill
) -> None:
    stocked(BOWL=50)
    async with service() as client:
        for n in range(10):
            made = (await reserve(client, f"{n}/BOWL")).json()
            path = f"/v1/reservations/{made['id']}"
            answers = await asyncio.gather(
                *(client.post(f"{path}/confirm") for _ in range(5)),
                *(client.delete(path) for _ in range(5)),
            )
            won = [a.json()["state"] for a in answers if a.status_code == 200]
            assert len(won) == 5
            assert len(set(won)) == 1
