"""The shadow is compared and counted, and never felt."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry

from legacy_app.adapters.shadow_stock import ShadowStock
from legacy_app.domain.errors import OutOfStock, StockUnavailable
from legacy_app.domain.stock import Claim

CLAIM = Claim("1/CUP", "CUP", 1)


class Told:
    """A stock that does as it is told."""

    def __init__(self, trouble: Exception | None = None, free: int = 1) -> None:
        self.trouble = trouble
        self.free = free

    async def available(self, skus: Iterable[str]) -> dict[str, int]:
        self._fail()
        return dict.fromkeys(skus, self.free)

    async def reserve(self, claim: Claim) -> datetime:
        self._fail(claim)
        return datetime(2026, 1, self.free, tzinfo=UTC)

    async def confirm(self, claim: Claim) -> None:
        self._fail(claim)

    async def cancel(self, claim: Claim) -> None:
        self._fail(claim)

    def _fail(self, *_: object) -> None:
        if self.trouble:
            raise self.trouble


def counted(registry: CollectorRegistry) -> dict[tuple[str, str], float]:
    [family] = registry.collect()
    return {
        (sample.labels["operation"], sample.labels["result"]): sample.value
        for sample in family.samples
        if sample.name.endswith("_total")
    }


async def test_the_answer_is_that_of_the_primary() -> None:
    registry = CollectorRegistry()
    stock = ShadowStock(Told(free=3), Told(free=4), registry)
    assert await stock.available(["CUP"]) == {"CUP": 3}
    assert await stock.reserve(CLAIM) == datetime(2026, 1, 3, tzinfo=UTC)
    await stock.confirm(CLAIM)
    await stock.cancel(CLAIM)
    assert counted(registry) == {
        ("available", "mismatch"): 1,
        ("reserve", "match"): 1,
        ("confirm", "match"): 1,
        ("cancel", "match"): 1,
    }


@pytest.mark.parametrize(
    ("trouble", "result"),
    [
        (OutOfStock("CUP"), "mismatch"),
        (StockUnavailable("away"), "unavailable"),
        (ZeroDivisionError(), "mismatch"),
    ],
)
async def test_trouble_of_the_shadow_does_not_reach_the_caller(
    trouble: Exception, result: str
) -> None:
    registry = CollectorRegistry()
    await ShadowStock(Told(), Told(trouble), registry).reserve(CLAIM)
    assert counted(registry) == {("reserve", result): 1}


@pytest.mark.parametrize(
    ("shadow", "result"), [(Told(OutOfStock("CUP")), "match"), (Told(), "mismatch")]
)
async def test_a_refusal_of_the_primary_is_compared_too(shadow: Told, result: str) -> None:
    registry = CollectorRegistry()
    with pytest.raises(OutOfStock):
        await ShadowStock(Told(OutOfStock("CUP")), shadow, registry).reserve(CLAIM)
    assert counted(registry) == {("reserve", result): 1}
