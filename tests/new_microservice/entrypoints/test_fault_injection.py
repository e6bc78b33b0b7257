"""How many requests a fault strikes, which, and what they meet."""

import asyncio
import contextlib
import random
import socket
import tracemalloc
from collections.abc import AsyncIterator
from typing import NoReturn

import httpx2
import pytest
from fastapi import Response
from starlette.requests import Request

from new_microservice.domain.errors import ReservationClosed
from new_microservice.entrypoints import fault_injection, server
from new_microservice.entrypoints.fault_injection import FaultGate, InjectedError
from new_microservice.entrypoints.server import AnnouncingServer
from new_microservice.faults import BodyShare, ErrorShare, Fault, Leak, RefusedShare, StatusShare
from new_microservice.main import build
from new_microservice.settings import Settings
from tests.new_microservice.running import Fill, Start

CONFIRM = "/v1/reservations/1/confirm"
SERVED = Response("served")


def struck(fault: Fault, path: str = CONFIRM) -> int:
    """Count those of 5000 requests that are not served."""
    gate = FaultGate(fault, random.Random(1))
    request = Request({"type": "http", "path": path, "headers": []})

    async def serve(_: Request) -> Response:
        return SERVED

    async def strikes() -> int:
        count = 0
        for _ in range(5000):
            try:
                count += await gate.answer(request, serve) is not SERVED
            except (InjectedError, ReservationClosed):
                count += 1
        return count

    return asyncio.run(strikes())


@pytest.mark.parametrize(
    "fault", [ErrorShare(0.2), StatusShare(404, 0.2), BodyShare(0.2), RefusedShare(0.2)]
)
def test_the_share_of_wrong_answers_is_the_one_asked_for(fault: Fault) -> None:
    # 5 standard deviations around 1000.
    assert abs(struck(fault) - 1000) < 142


def test_confirmations_alone_are_refused() -> None:
    assert struck(RefusedShare(1), "/v1/reservations") == 0
    assert struck(RefusedShare(1)) == 5000


def test_no_more_is_leaked_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    def end(message: str, code: int) -> NoReturn:
        raise SystemExit(code, message)

    monkeypatch.setattr(fault_injection, "LEAK_BOUND", 10 << 20)
    monkeypatch.setattr(fault_injection, "end", end)
    tracemalloc.start()
    with pytest.raises(SystemExit, match="137"):
        struck(Leak(7 << 20))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 10 << 20 < most < 11 << 20


@pytest.mark.parametrize("status", [304, 404, 429, 500, 599])
async def test_a_status_is_answered_under_the_route_that_was_asked_for(
    service: Start, status: int
) -> None:
    async with service(demo_mode=True, inventory_fault=f"status:{status}:1") as client:
        answer = await client.get("/v1/stock/BOWL")
        assert answer.status_code == status
        assert answer.headers["x-service-version"] == "r1"
        counted = f'{{method="GET",route="/v1/stock/{{sku}}",status="{status}"}} 1.0'
        assert counted in (await client.get("/metrics")).text


async def test_a_redirect_leads_elsewhere(service: Start) -> None:
    async with service(demo_mode=True, inventory_fault="status:302:1") as client:
        answer = await client.get("/v1/stock")
        assert (answer.status_code, answer.headers["location"]) == (302, "/elsewhere")


async def test_an_error_document_has_status_200(service: Start) -> None:
    async with service(demo_mode=True, inventory_fault="body:1") as client:
        answer = await client.get("/v1/stock")
        assert (answer.status_code, list(answer.json())) == (200, ["error"])


async def test_a_late_fault_lets_what_comes_before_it_pass(service: Start, stocked: Fill) -> None:
    stocked(BOWL=1)
    async with service(demo_mode=True, inventory_fault="late:1s:status:404:1") as client:
        assert (await client.get("/v1/stock")).status_code == 200
        await asyncio.sleep(1)
        assert (await client.get("/v1/stock")).status_code == 404


async def test_what_becomes_unready_late_was_ready(service: Start) -> None:
    async with service(demo_mode=True, inventory_fault="late:1s:unready") as client:
        assert (await client.get("/readyz")).status_code == 200
        await asyncio.sleep(1)
        assert (await client.get("/readyz")).status_code == 503


@contextlib.asynccontextmanager
async def listening(
    environment: dict[str, str], fault: str
) -> AsyncIterator[tuple[AnnouncingServer, asyncio.Task[None], httpx2.AsyncClient]]:
    """Serve on a socket: who waits for headers, or leaves, is seen there alone."""
    values = {name.lower(): value for name, value in environment.items()}
    settings = Settings.model_validate(values | {"demo_mode": True, "inventory_fault": fault})
    app, readiness = build(settings)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        served = AnnouncingServer(app, readiness, host="127.0.0.1", port=0)
        serving = asyncio.create_task(served.serve([listener]))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with httpx2.AsyncClient(base_url=url, timeout=20) as client:
            assert (await client.get("/livez")).status_code == 200
            yield served, serving, client
            served.should_exit = True
            await asyncio.wait_for(serving, 5)


async def test_a_slow_body_comes_after_its_headers(
    environment: dict[str, str], stocked: Fill
) -> None:
    stocked(BOWL=1)
    clock = asyncio.get_running_loop().time
    async with listening(environment, "slowbody:500ms:1") as (_, _, client):
        began = clock()
        async with client.stream("GET", "/v1/stock/BOWL") as answer:
            assert answer.status_code == 200
            assert clock() - began < 0.4
            assert b"BOWL" in await answer.aread()
            assert clock() - began >= 0.5


async def test_a_hanging_request_ends_when_its_client_leaves(environment: dict[str, str]) -> None:
    key = {"Idempotency-Key": "k"}
    async with listening(environment, "hang:1") as (_, _, client):
        with pytest.raises(httpx2.ReadTimeout):
            await client.post("/v1/reservations", json={}, headers=key, timeout=0.5)
        for _ in range(100):
            metrics = (await client.get("/metrics")).text
            if "http_requests_in_flight 1.0" in metrics:  # the one that asks
                break
            await asyncio.sleep(0.02)
        assert "http_requests_in_flight 1.0" in metrics
        assert 'route="/v1/reservations",status="499"} 1.0' in metrics


async def test_a_hanging_request_does_not_keep_the_service_from_stopping(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "FINISH_S", 1)
    async with listening(environment, "hang:1") as (served, serving, client):
        hanging = asyncio.create_task(client.get("/v1/stock"))
        await asyncio.sleep(0.3)
        served.should_exit = True
        await asyncio.wait_for(serving, 5)
        assert not (await hanging).is_success
