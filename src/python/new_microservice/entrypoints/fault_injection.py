"""Carries out the faults of INVENTORY_FAULT on business requests."""

import asyncio
import os
import random
import resource
import sys

from starlette.requests import Request

from new_microservice.domain.errors import ReservationClosed
from new_microservice.faults import Crash, ErrorShare, Fault, Latency, RefusedShare


class InjectedError(Exception):
    """The defect that INVENTORY_FAULT=error pretends to be."""


class FaultGate:
    """Runs before each business request; `rng` decides which ones fail."""

    def __init__(self, fault: Fault, rng: random.Random) -> None:
        self._fault = fault
        self._rng = rng
        self._requests = 0

    async def __call__(self, request: Request) -> None:
        """Let one request pass, late or not at all; raises InjectedError or ReservationClosed."""
        self._requests += 1
        match self._fault:
            case ErrorShare(share) if self._rng.random() < share:
                raise InjectedError(f"INVENTORY_FAULT=error:{share}")
            case RefusedShare(share) if request.url.path.endswith("/confirm"):
                if self._rng.random() < share:
                    raise ReservationClosed(f"INVENTORY_FAULT=refuse:{share}")
            case Latency(delay_s):
                await asyncio.sleep(delay_s)
            case Crash(at_request) if self._requests >= at_request:
                crash(f"INVENTORY_FAULT=crash: dying on business request {self._requests}")


def crash(message: str) -> None:
    """Die as a process with a memory fault does: no answer, no cleanup; but no core file."""
    print(f"new-microservice: {message}", file=sys.stderr, flush=True)  # noqa: T201
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.abort()
