"""How HttpStock meets an inventory that fails; the healthy one is in contract/test_stocks.py."""

import asyncio
from collections.abc import Callable

import httpx2
import pytest

from legacy_app.adapters import http_stock
from legacy_app.adapters.http_stock import HttpStock
from legacy_app.domain.errors import StockRefused, StockUnavailable
from legacy_app.domain.stock import Claim

CLAIM = Claim("1/CUP", "CUP", 1)
RESERVED = httpx2.Response(201, json={"id": 7, "expires_at": "2026-11-01T00:00:00Z"})


class Inventory:
    """Answers with what it is told, the last again and again; remembers what it was asked."""

    def __init__(self, *answers: httpx2.Response | type[Exception]) -> None:
        self.answers = list(answers)
        self.asked: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, httpx2.Response):
            return answer
        raise answer("as told")


def stock(inventory: Callable[[httpx2.Request], httpx2.Response]) -> HttpStock:
    transport = httpx2.MockTransport(inventory)
    return HttpStock(httpx2.AsyncClient(transport=transport, base_url="http://inventory/api/v2"))


@pytest.mark.parametrize(
    "trouble",
    [
        httpx2.Response(502),
        httpx2.Response(503),
        httpx2.Response(504),
        httpx2.ConnectError,
        httpx2.ReadError,
        httpx2.RemoteProtocolError,
    ],
)
async def test_an_inventory_that_was_away_is_asked_once_more_under_the_same_key(
    trouble: httpx2.Response | type[Exception],
) -> None:
    inventory = Inventory(trouble, RESERVED)
    await stock(inventory).reserve(CLAIM)
    keys = [request.headers["Idempotency-Key"] for request in inventory.asked]
    assert keys == ["shop/1/CUP", "shop/1/CUP"]
    assert str(inventory.asked[0].url) == "http://inventory/api/v2/v1/reservations"


async def test_there_is_one_retry_at_most() -> None:
    inventory = Inventory(httpx2.Response(503))
    with pytest.raises(StockUnavailable):
        await stock(inventory).reserve(CLAIM)
    assert len(inventory.asked) == 2


@pytest.mark.parametrize(
    "trouble",
    [
        httpx2.Response(500),
        httpx2.ReadTimeout,
        # Of a gateway that has no route to it: the inventory states a problem.
        httpx2.Response(404, text="404 page not found"),
    ],
)
async def test_a_failure_of_its_own_a_time_out_and_a_missing_route_are_not_retried(
    trouble: httpx2.Response | type[Exception],
) -> None:
    inventory = Inventory(trouble)
    with pytest.raises(StockUnavailable):
        await stock(inventory).available(["CUP"])
    assert len(inventory.asked) == 1


async def test_a_refusal_is_final_and_says_what_it_was() -> None:
    refused = httpx2.Response(
        422, json={"type": "invalid-request"}, headers={"content-type": "application/problem+json"}
    )
    with pytest.raises(StockRefused, match=r"422 \(invalid-request\)"):
        await stock(Inventory(refused)).reserve(CLAIM)


async def test_an_outage_costs_few_retries_and_soon_no_calls_at_all() -> None:
    inventory = Inventory(httpx2.ConnectError)
    tried = stock(inventory)
    for _ in range(200):
        with pytest.raises(StockUnavailable):
            await tried.available(["CUP"])
    # 20 calls until the breaker opens, each with a retry as long as the budget has some.
    assert 20 <= len(inventory.asked) <= 35


async def test_a_silent_inventory_is_given_up_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_stock, "DEADLINE_S", 0.05)

    async def never(_: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(60)
        raise AssertionError

    transport = httpx2.MockTransport(never)
    silent = HttpStock(httpx2.AsyncClient(transport=transport, base_url="http://inventory"))
    with pytest.raises(StockUnavailable):
        await silent.available(["CUP"])
