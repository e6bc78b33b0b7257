"""Carries out the faults of INVENTORY_FAULT on business requests."""

import asyncio
import json
import os
import random
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

from fastapi import Response
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from new_microservice.domain.errors import ReservationClosed
from new_microservice.entrypoints.problems import problem
from new_microservice.faults import (
    BodyShare,
    Crash,
    ErrorShare,
    Exit,
    Fault,
    HangShare,
    Latency,
    Leak,
    RefusedShare,
    SlowBodyShare,
    StatusShare,
    begun,
)

# Twice the limit that containers are given here, of which the kernel kills them before. Without a
# limit it protects the machine.
LEAK_BOUND = 512 << 20
EXIT_BY_FAULT = 3
# As of a process that the kernel kills: 128 and SIGKILL.
EXIT_AS_KILLED = 137
CLIENT_HAS_LEFT = 499
FIRST_ERROR = 400

Serve = Callable[[Request], Awaitable[Response]]


class InjectedError(Exception):
    """The defect that INVENTORY_FAULT=error pretends to be."""


class FaultGate:
    """Stands before each business request; `rng` decides which ones are struck.

    Its making is the beginning from which late faults are counted.
    """

    def __init__(self, fault: Fault | None, rng: random.Random) -> None:
        self._fault = fault
        self._rng = rng
        self._began = time.monotonic()
        self._requests = 0
        self._leaked: list[bytes] = []

    @property
    def fault(self) -> Fault | None:
        """The fault at this moment."""
        return begun(self._fault, time.monotonic() - self._began)

    async def answer(self, request: Request, serve: Serve) -> Response:
        """Answer one request, by `serve` unless it is struck; may not return, or not in time.

        Raises what `serve` raises, InjectedError or ReservationClosed.
        """
        fault = self.fault
        if fault:
            self._requests += 1
        match fault:
            case ErrorShare(share) if self._strikes(share):
                raise InjectedError(f"INVENTORY_FAULT=error:{share}")
            case StatusShare(status, share) if self._strikes(share):
                return _wrong_status(status)
            case BodyShare(share) if self._strikes(share):
                await serve(request)
                return _wrong_body()
            case RefusedShare(share) if request.url.path.endswith("/confirm"):
                if self._strikes(share):
                    raise ReservationClosed(f"INVENTORY_FAULT=refuse:{share}")
            case Latency(delay_s):
                await asyncio.sleep(delay_s)
            case HangShare(share) if self._strikes(share):
                return await _no_answer(request)
            case SlowBodyShare(delay_s, share) if self._strikes(share):
                return _SlowBody(await serve(request), delay_s)
            case Leak(kept_bytes):
                self._leak(kept_bytes)
            case Crash(at_request) if self._requests >= at_request:
                crash(f"INVENTORY_FAULT=crash: dying on business request {self._requests}")
            case Exit():
                end("INVENTORY_FAULT=exit: exiting late")
        return await serve(request)

    def route_class(self) -> type[APIRoute]:
        """Return a class for business routes: each request to them goes through this gate."""
        gate = self

        class FaultyRoute(APIRoute):
            def get_route_handler(self) -> Callable[[Request], Any]:
                serve = super().get_route_handler()

                async def handle(request: Request) -> Response:
                    return await gate.answer(request, serve)

                return handle

        return FaultyRoute

    def _strikes(self, share: float) -> bool:
        return self._rng.random() < share

    def _leak(self, kept_bytes: int) -> None:
        left = LEAK_BOUND - kept_bytes * len(self._leaked)
        # Not zeros: the kernel would give no memory for them before they are written to.
        self._leaked.append(b"x" * min(kept_bytes, left))
        if kept_bytes >= left:
            end(f"INVENTORY_FAULT=leak: {LEAK_BOUND >> 20} MB are leaked", EXIT_AS_KILLED)


def crash(message: str) -> NoReturn:
    """Die as a process with a memory fault does: no answer, no cleanup; but no core file."""
    _say(message)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.abort()


def end(message: str, code: int = EXIT_BY_FAULT) -> NoReturn:
    """Exit at once."""
    _say(message)
    os._exit(code)


def _say(message: str) -> None:
    print(f"new-microservice: {message}", file=sys.stderr, flush=True)  # noqa: T201


def _wrong_status(status: int) -> Response:
    if status < FIRST_ERROR:
        return Response(status_code=status, headers={"Location": "/elsewhere"})
    return problem(status, "injected", f"INVENTORY_FAULT=status:{status}")


def _wrong_body() -> Response:
    document = {"error": "INVENTORY_FAULT=body: this is no right answer"}
    return Response(json.dumps(document), media_type="application/json")


async def _no_answer(request: Request) -> Response:
    """Wait until the client leaves."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response(status_code=CLIENT_HAS_LEFT)


class _SlowBody(Response):
    """An answer whose headers are sent at once, and its body later."""

    def __init__(self, answer: Response, delay_s: float) -> None:
        self._answer = answer
        self._delay_s = delay_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""

        async def send_late(message: Message) -> None:
            if message["type"] == "http.response.body":
                await asyncio.sleep(self._delay_s)
            await send(message)

        await self._answer(scope, receive, send_late)
