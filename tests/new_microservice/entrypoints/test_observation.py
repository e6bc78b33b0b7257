"""What every answer carries, and what operators see."""

import asyncio
from typing import Any

import pytest

from new_microservice.adapters.postgres_store import PostgresStore
from tests.new_microservice.running import Fill, Start

KEY = {"Idempotency-Key": "k"}


@pytest.mark.parametrize(
    ("method", "path", "content", "refusal"),
    [
        ("GET", "/nowhere", {}, (404, "not-found")),
        ("PUT", "/v1/stock", {}, (405, "method-not-allowed")),
        ("POST", "/v1/reservations", {"json": {}}, (400, "idempotency-key-missing")),
        ("POST", "/v1/reservations", {"json": {}, "headers": KEY}, (422, "invalid-request")),
        ("POST", "/v1/reservations", {"content": b"{", "headers": KEY}, (422, "invalid-request")),
        ("GET", "/v1/stock/a%00b", {}, (422, "invalid-request")),
        ("GET", f"/v1/reservations/{2**63}", {}, (422, "invalid-request")),
        ("DELETE", "/v1/reservations/x", {}, (422, "invalid-request")),
    ],
)
async def test_every_error_is_a_problem_that_names_the_revision(
    service: Start, method: str, path: str, content: dict[str, Any], refusal: tuple[int, str]
) -> None:
    async with service() as client:
        answer = await client.request(method, path, **content)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-service-version"] == "r1"
        assert (answer.status_code, answer.json()["type"]) == refusal
        assert answer.json()["status"] == answer.status_code


async def test_what_is_wrong_with_a_request_is_said_without_repeating_it(service: Start) -> None:
    body = {"order_ref": "1/B", "sku": "a b", "qty": "7", "note": "hunter2"}
    async with service() as client:
        answer = await client.post("/v1/reservations", json=body, headers=KEY)
        assert [e["at"] for e in answer.json()["errors"]] == ["body.sku", "body.qty", "body.note"]
        assert "hunter2" not in answer.text


async def test_a_defect_is_answered_plainly_and_explained_in_the_log(
    service: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("inner detail")

    monkeypatch.setattr(PostgresStore, "stock", broken)
    async with service() as client:
        answer = await client.get("/v1/stock", headers={"X-Request-Id": "abc"})
    assert (answer.status_code, answer.json()["type"]) == (500, "internal-error")
    assert "inner detail" not in answer.text
    logged = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    assert logged[0]["request_id"] == "abc"
    assert "RuntimeError: inner detail" in logged[0]["exception"]
    assert answer.headers["x-service-version"] == "r1"


async def test_a_request_id_is_taken_over_or_made(service: Start) -> None:
    async with service() as client:
        given = await client.get("/livez", headers={"X-Request-Id": "abc-1"})
        assert given.headers["x-request-id"] == "abc-1"
        made = await client.get("/livez", headers={"X-Request-Id": "a b" * 99})
        assert len(made.headers["x-request-id"]) == 32


async def test_metrics_count_by_route_template(service: Start, stocked: Fill) -> None:
    stocked(BOWL=1)
    async with service() as client:
        for sku in ("BOWL", "BOWL", "X"):
            await client.get(f"/v1/stock/{sku}")
        await client.get("/nowhere")
        metrics = (await client.get("/metrics")).text
    for line in (
        'http_requests_total{method="GET",route="/v1/stock/{sku}",status="200"} 2.0',
        'http_requests_total{method="GET",route="/v1/stock/{sku}",status="404"} 1.0',
        'http_requests_total{method="GET",route="unmatched",status="404"} 1.0',
        'http_request_duration_seconds_count{method="GET",route="/v1/stock/{sku}"} 3.0',
        'service_info{revision="r1",service="new-microservice"} 1.0',
    ):
        assert line in metrics


async def test_the_probes_answer(service: Start) -> None:
    async with service() as client:
        answers = await asyncio.gather(*(client.get(p) for p in ("/livez", "/readyz", "/version")))
    assert [answer.json() for answer in answers] == [
        {"status": "alive"},
        {"status": "ready"},
        {"service": "new-microservice", "revision": "r1"},
    ]


async def test_faults_strike_business_requests_alone(service: Start, stocked: Fill) -> None:
    stocked(BOWL=1)
    async with service(demo_mode=True, inventory_fault="error:1") as client:
        failed = await client.get("/v1/stock")
        assert (failed.status_code, failed.json()["type"]) == (500, "internal-error")
        for path in ("/livez", "/readyz", "/version", "/metrics"):
            assert (await client.get(path)).status_code == 200
        assert 'route="/v1/stock",status="500"' in (await client.get("/metrics")).text


async def test_latency_is_added_to_every_business_request(service: Start, stocked: Fill) -> None:
    stocked(BOWL=1)
    async with service(demo_mode=True, inventory_fault="latency:80ms") as client:
        began = asyncio.get_running_loop().time()
        assert (await client.get("/v1/stock")).status_code == 200
        assert asyncio.get_running_loop().time() - began >= 0.08


async def test_an_unready_service_lives_and_serves(service: Start, stocked: Fill) -> None:
    stocked(BOWL=1)
    async with service(demo_mode=True, inventory_fault="unready") as client:
        assert (await client.get("/readyz")).json()["detail"] == "INVENTORY_FAULT=unready"
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/v1/stock")).status_code == 200
