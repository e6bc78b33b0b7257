"""How many requests a fault strikes."""

import asyncio
import random

from new_microservice.entrypoints.fault_injection import FaultGate, InjectedError
from new_microservice.faults import ErrorShare


def test_the_share_of_failing_requests_is_the_one_asked_for() -> None:
    gate = FaultGate(ErrorShare(0.2), random.Random(1))

    async def strikes() -> int:
        struck = 0
        for _ in range(5000):
            try:
                await gate()
            except InjectedError:
                struck += 1
        return struck

    # 5 standard deviations around 1000.
    assert abs(asyncio.run(strikes()) - 1000) < 142
