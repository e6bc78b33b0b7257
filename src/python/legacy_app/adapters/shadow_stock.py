"""Two stocks side by side: one counts, the other is only compared with it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import TypeVar

import structlog
from prometheus_client import CollectorRegistry, Counter

from legacy_app.domain.errors import ShopError, StockError, Unavailable
from legacy_app.domain.stock import Claim, StockGateway

T = TypeVar("T")
log = structlog.get_logger(__name__)


class ShadowStock:
    """A StockGateway that answers for `primary` and asks `shadow` the same afterwards.

    The shadow comes second and is waited for: reservations reach it in the order in which they
    were made, and only those that the primary has. Nothing it does fails the caller.
    """

    def __init__(
        self, primary: StockGateway, shadow: StockGateway, registry: CollectorRegistry
    ) -> None:
        self._primary = primary
        self._shadow = shadow
        self._compared = Counter(
            "shop_shadow_calls",
            "Calls of the shadow stock: match, mismatch (it said something else), unavailable.",
            ["operation", "result"],
            registry=registry,
        )

    async def available(self, skus: Iterable[str]) -> Mapping[str, int]:
        """Return the quantity free by sku, of the primary."""
        wanted = list(skus)
        return await self._both("available", lambda stock: stock.available(wanted), lambda a: a)

    async def reserve(self, claim: Claim) -> datetime:
        """Reserve in both; see StockGateway."""
        # The times until which they hold differ by nature.
        return await self._both("reserve", lambda stock: stock.reserve(claim), lambda _: None)

    async def confirm(self, claim: Claim) -> None:
        """Confirm in both; see StockGateway."""
        await self._both("confirm", lambda stock: stock.confirm(claim), lambda _: None)

    async def cancel(self, claim: Claim) -> None:
        """Cancel in both; see StockGateway."""
        await self._both("cancel", lambda stock: stock.cancel(claim), lambda _: None)

    async def _both(
        self,
        operation: str,
        ask: Callable[[StockGateway], Awaitable[T]],
        comparable: Callable[[T], object],
    ) -> T:
        try:
            answer = await ask(self._primary)
        except StockError as refusal:
            await self._compare(operation, ask, comparable, type(refusal))
            raise
        await self._compare(operation, ask, comparable, comparable(answer))
        return answer

    async def _compare(
        self,
        operation: str,
        ask: Callable[[StockGateway], Awaitable[T]],
        comparable: Callable[[T], object],
        expected: object,
    ) -> None:
        try:
            seen: object = comparable(await ask(self._shadow))
        except StockError as refusal:
            seen = type(refusal)
        except Unavailable:
            self._compared.labels(operation, "unavailable").inc()
            return
        except Exception:
            # A fault of the shadow's adapter must not reach the customer either.
            log.exception("shadow stock failed", operation=operation)
            seen = ShopError
        result = "match" if seen == expected else "mismatch"
        self._compared.labels(operation, result).inc()
        if result == "mismatch":
            log.warning("shadow stock differs", operation=operation, seen=str(seen))
