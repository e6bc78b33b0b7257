"""The stock as the inventory service keeps it, behind the gateway."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from http import HTTPStatus
from typing import Any

import httpx2
import stamina
import structlog

from legacy_app.adapters.resilience import CircuitBreaker, RetryBudget
from legacy_app.domain.errors import (
    OutOfStock,
    ReservationFinal,
    ReservationLost,
    StockRefused,
    StockUnavailable,
)
from legacy_app.domain.stock import Claim

# For one operation, its retry included: a person waits for it.
DEADLINE_S = 2.0
ATTEMPT_TIMEOUT = httpx2.Timeout(1.5, connect=0.5)
# A request that never got an answer because of these did not reach the service, or is repeatable:
# all of ours are. A time-out is no such case: what is slow gets slower by being asked again.
LOST = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.ReadError,
    httpx2.WriteError,
    httpx2.CloseError,
    httpx2.RemoteProtocolError,
)
# What a gateway says for a service that is away. 500 is the service's own word, and final.
AWAY = frozenset({502, 503, 504})
# Problems that mean that the goods cannot be had.
NOT_TO_BE_HAD = frozenset({"out-of-stock", "unknown-sku"})
KNOWN_IDS = 10_000


class _Away(Exception):
    def __init__(self, response: httpx2.Response) -> None:
        super().__init__(response.status_code)
        self.response = response


class HttpStock:
    """A StockGateway on the inventory's API.

    The API names reservations by ids of its own. They need no place in the shop's schema: asking
    again for the same reservation under the same key answers with its id.
    """

    def __init__(self, client: httpx2.AsyncClient) -> None:
        """Take a client whose base URL is that of the API."""
        self._client = client
        self._budget = RetryBudget()
        self._breaker = CircuitBreaker()
        self._ids: OrderedDict[str, int] = OrderedDict()

    async def available(self, skus: Iterable[str]) -> dict[str, int]:
        """Return the quantity free by sku."""
        response = await self._call("GET", "/v1/stock", params=[("sku", sku) for sku in skus])
        return {level["sku"]: level["available"] for level in self._content(response)}

    async def reserve(self, claim: Claim) -> datetime:
        """Hold the goods; return until when. Raises OutOfStock."""
        response = await self._call(
            "POST",
            "/v1/reservations",
            headers={"Idempotency-Key": f"shop/{claim.order_ref}"},
            json={"order_ref": claim.order_ref, "sku": claim.sku, "qty": claim.qty},
        )
        if response.is_client_error and _problem(response) in NOT_TO_BE_HAD:
            raise OutOfStock(claim.sku)
        reservation = self._content(response)
        self._remember(claim, reservation["id"])
        return datetime.fromisoformat(reservation["expires_at"])

    async def confirm(self, claim: Claim) -> None:
        """Take the reserved goods out of the stock. Raises ReservationLost."""
        try:
            reservation_id = await self._id(claim)
        except OutOfStock:
            raise ReservationLost(claim.order_ref) from None
        response = await self._call("POST", f"/v1/reservations/{reservation_id}/confirm")
        if response.status_code == HTTPStatus.CONFLICT:
            raise ReservationLost(claim.order_ref)
        self._content(response)

    async def cancel(self, claim: Claim) -> None:
        """Give the goods back. Raises ReservationFinal."""
        try:
            # For a claim never made this makes it, so that a `reserve` of it still under way
            # finds a cancelled one. Where nothing is left, such a late one lapses by itself.
            reservation_id = await self._id(claim)
        except OutOfStock:
            return
        path = f"/v1/reservations/{reservation_id}"
        response = await self._call("DELETE", path)
        if response.status_code != HTTPStatus.CONFLICT:
            self._content(response)
        elif self._content(await self._call("GET", path))["state"] == "confirmed":
            raise ReservationFinal(claim.order_ref)

    async def _id(self, claim: Claim) -> int:
        if claim.order_ref not in self._ids:
            await self.reserve(claim)
        return self._ids[claim.order_ref]

    def _remember(self, claim: Claim, reservation_id: int) -> None:
        self._ids[claim.order_ref] = reservation_id
        if len(self._ids) > KNOWN_IDS:
            self._ids.popitem(last=False)

    async def _call(self, method: str, path: str, **content: Any) -> httpx2.Response:
        if not self._breaker.lets_through(time.monotonic()):
            raise StockUnavailable("The inventory has been failing; it is given a moment's rest.")
        self._budget.earn()
        request_id = structlog.contextvars.get_contextvars().get("request_id")
        if request_id:
            content["headers"] = {**content.get("headers", {}), "X-Request-Id": request_id}
        try:
            async with asyncio.timeout(DEADLINE_S):
                response = await self._attempts(method, path, content)
        except (httpx2.RequestError, TimeoutError) as error:
            self._breaker.failed(time.monotonic())
            raise StockUnavailable("The inventory does not answer.") from error
        if response.is_server_error or _is_of_gateway(response):
            self._breaker.failed(time.monotonic())
            raise StockUnavailable(f"The inventory answered {response.status_code}.")
        self._breaker.succeeded()
        return response

    async def _attempts(self, method: str, path: str, content: dict[str, Any]) -> httpx2.Response:
        try:
            async for attempt in stamina.retry_context(
                on=self._is_worth_a_retry,
                attempts=2,
                timeout=None,
                wait_initial=0.05,
                wait_jitter=0.05,
            ):
                with attempt:
                    if attempt.num > 1:
                        self._budget.spend()
                    response = await self._client.request(
                        method, path, timeout=ATTEMPT_TIMEOUT, **content
                    )
                    if response.status_code in AWAY:
                        raise _Away(response)
        except _Away as away:
            return away.response
        return response

    def _is_worth_a_retry(self, error: Exception) -> bool:
        return isinstance(error, (*LOST, _Away)) and self._budget.has_retry

    def _content(self, response: httpx2.Response) -> Any:
        if not response.is_success:
            raise StockRefused(
                f"The inventory refused with {response.status_code} ({_problem(response)})."
            )
        return response.json()


def _is_of_gateway(response: httpx2.Response) -> bool:
    """Tell whether a gateway says that it knows no inventory: that one would state a problem."""
    return response.status_code == HTTPStatus.NOT_FOUND and not _problem(response)


def _problem(response: httpx2.Response) -> str:
    """Return the last part of the problem's type, or nothing if the answer is no problem."""
    if not response.headers.get("content-type", "").startswith("application/problem+json"):
        return ""
    return str(response.json().get("type", "")).replace(":", "/").rsplit("/", 1)[-1]
