"""How many requests a fault strikes, and which."""

import asyncio
import random

import pytest
from starlette.requests import Request

from new_microservice.domain.errors import ReservationClosed
from new_microservice.entrypoints.fault_injection import FaultGate, InjectedError
from new_microservice.faults import ErrorShare, Fault, RefusedShare

CONFIRM = "/v1/reservations/1/confirm"


def struck(fault: Fault, error: type[Exception], path: str = CONFIRM) -> int:
    gate = FaultGate(fault, random.Random(1))
    request = Request({"type": "http", "path": path, "headers": []})

    async def strikes() -> int:
        count = 0
        for _ in range(5000):
            try:
                await gate(request)
            except error:
                count += 1
        return count

    return asyncio.run(strikes())


@pytest.mark.parametrize(
    ("fault", "error"), [(ErrorShare(0.2), InjectedError), (RefusedShare(0.2), ReservationClosed)]
)
def test_the_share_of_failing_requests_is_the_one_asked_for(
    fault: Fault, error: type[Exception]
) -> None:
    # 5 standard deviations around 1000.
    assert abs(struck(fault, error) - 1000) < 142


def test_confirmations_alone_are_refused() -> None:
    assert struck(RefusedShare(1), ReservationClosed, "/v1/reservations") == 0
    assert struck(RefusedShare(1), ReservationClosed) == 5000
