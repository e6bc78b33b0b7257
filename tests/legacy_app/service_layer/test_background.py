"""Background work outlives trouble and defects, and ends when the service does."""

import asyncio

import pytest

from legacy_app.domain.errors import Unavailable
from legacy_app.service_layer.background import repeat_until


@pytest.mark.parametrize("trouble", [Unavailable("away"), RuntimeError("a defect")])
async def test_it_goes_on_after(trouble: Exception) -> None:
    stopping = asyncio.Event()
    done: list[int] = []

    async def work() -> None:
        done.append(len(done))
        if len(done) == 1:
            raise trouble
        stopping.set()

    async with asyncio.timeout(5):
        await repeat_until(stopping, 0.01, "work", work)
    assert done == [0, 1]


async def test_a_stop_does_not_wait_for_the_pause() -> None:
    stopping = asyncio.Event()
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()

    async with asyncio.timeout(5):
        task = asyncio.create_task(repeat_until(stopping, 3600, "work", work))
        await begun.wait()
        stopping.set()
        await task
