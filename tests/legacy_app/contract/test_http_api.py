"""The shop as programs see it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import httpx2
import pytest

from legacy_app.adapters import database as database_module

Start = Callable[..., AbstractAsyncContextManager[httpx2.AsyncClient]]
ORDER = {"customer": "Ada", "lines": [{"sku": "BOWL-ASH", "qty": 2}]}


@pytest.mark.parametrize("backend", ["sql", "shadow", "http"])
async def test_an_order_from_the_catalogue_to_the_end(start_shop: Start, backend: str) -> None:
    async with start_shop(stock_backend=backend) as shop:
        products = (await shop.get("/api/products")).json()
        assert {"sku", "name", "price_cents", "available"} <= products[0].keys()
        placed = await shop.post("/api/orders", json=ORDER)
        assert placed.status_code == 201
        order = placed.json()
        assert (order["status"], order["total_cents"]) == ("reserved", 16800)
        assert order["lines"][0]["qty"] == 2
        for _ in range(2):
            bought = await shop.post(f"/api/orders/{order['id']}/checkout")
            assert (bought.status_code, bought.json()["status"]) == (200, "confirmed")
        assert (await shop.get("/api/orders", params={"limit": 5})).json() == [bought.json()]
        late = await shop.delete(f"/api/orders/{order['id']}")
        assert (late.status_code, late.json()["type"]) == (409, "order-final")
        metrics = (await shop.get("/metrics")).text
        assert 'route="/api/orders/{order_id}/checkout"' in metrics
        assert 'result="mismatch"' not in metrics
        assert ("shop_shadow_calls_total" in metrics) == (backend == "shadow")


async def test_lines_of_one_product_become_one(start_shop: Start) -> None:
    async with start_shop() as shop:
        twice = {"customer": "Ada", "lines": [{"sku": "BOWL-ASH", "qty": n} for n in (1, 2)]}
        order = (await shop.post("/api/orders", json=twice)).json()
        assert [line["qty"] for line in order["lines"]] == [3]


@pytest.mark.parametrize(
    ("lines", "key", "status", "kind"),
    [
        ([{"sku": "CLOCK-TIDE", "qty": 41}], "k1", 409, "out-of-stock"),
        ([{"sku": "NO-SUCH", "qty": 1}], "k1", 422, "unknown-product"),
        ([{"sku": "BOWL-ASH", "qty": 0}], "k1", 422, "invalid-request"),
        ([{"sku": "BOWL-ASH", "qty": "1"}], "k1", 422, "invalid-request"),
        ([], "k1", 422, "invalid-request"),
        ([{"sku": "BOWL-ASH", "qty": 1}], "with space", 422, "invalid-request"),
        ([{"sku": "BOWL-ASH\u0000", "qty": 1}], "k1", 422, "invalid-request"),
    ],
)
async def test_what_is_refused_is_a_problem_of_a_kind(
    start_shop: Start, lines: list[dict[str, object]], key: str, status: int, kind: str
) -> None:
    async with start_shop() as shop:
        answer = await shop.post(
            "/api/orders",
            json={"customer": "Ada", "lines": lines},
            headers={"Idempotency-Key": key},
        )
        assert (answer.status_code, answer.json()["type"]) == (status, kind)
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/api/orders/7", "/api/orders/0", f"/api/orders/{2**63}", "/api"])
async def test_what_is_not_there(start_shop: Start, path: str) -> None:
    async with start_shop() as shop:
        answer = await shop.get(path)
        assert answer.status_code in (404, 422)
        assert answer.headers["content-type"] == "application/problem+json"
        assert (await shop.put("/api/orders")).status_code == 405


async def test_while_the_inventory_is_away_one_can_look_but_not_buy(start_shop: Start) -> None:
    def away(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(503)

    async with start_shop(httpx2.MockTransport(away)) as shop:
        products = await shop.get("/api/products")
        assert products.json()[0]["available"] == 5_000_000
        answer = await shop.post("/api/orders", json=ORDER)
        assert (answer.status_code, answer.json()["type"]) == (503, "stock-unavailable")
        assert answer.headers["Retry-After"] == "1"


async def test_every_answer_names_its_revision_and_its_request(start_shop: Start) -> None:
    asked: list[httpx2.Request] = []

    def inventory(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, json=[])

    async with start_shop(httpx2.MockTransport(inventory)) as shop:
        answer = await shop.get("/api/products", headers={"X-Request-Id": "r-1"})
        assert answer.headers["X-Service-Version"] == "r1"
        assert answer.headers["X-Request-Id"] == "r-1" == asked[0].headers["X-Request-Id"]
        made = await shop.get("/nowhere", headers={"X-Request-Id": "with space"})
        assert len(made.headers["X-Request-Id"]) == 32
        assert (await shop.get("/version")).json() == {"service": "legacy-app", "revision": "r1"}


async def test_without_its_database_it_lives_but_is_not_ready(
    start_shop: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "WAIT_S", 0.2)
    async with start_shop(db_host="/nowhere") as shop:
        assert (await shop.get("/livez")).status_code == 200
        assert (await shop.get("/readyz")).status_code == 503
        answer = await shop.get("/api/orders")
        assert (answer.status_code, answer.json()["type"]) == (503, "database-unavailable")
