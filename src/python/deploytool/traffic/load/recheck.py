"""Looks whether what was acknowledged under load is still there."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from deploytool.traffic.load.client import Answer, Client, NoAnswer
from deploytool.traffic.load.journey import Promise, Request, breach

_AT_A_TIME = 8
_PAUSE_S = 0.2
# From here on a status says that the server could not answer, not what it would have answered.
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Rechecked:
    """A sentence for each promise that is broken, and for each of which nothing could be learnt."""

    lost: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def recheck(base_url: str, promises: Sequence[Promise], deadline_s: float) -> Rechecked:
    """Ask for each promise, again and again while there is no answer.

    deadline_s: for all together; a request that was sent just before it may still take its time.
    """
    return asyncio.run(_recheck(base_url, promises, time.monotonic() + deadline_s))


async def _recheck(base_url: str, promises: Sequence[Promise], until: float) -> Rechecked:
    waiting = list(promises)
    found: list[str] = []
    unknown: list[str] = []

    async def ask_all(client: Client) -> None:
        while waiting:
            promise = waiting.pop()
            answer = await _answer(client, promise, until)
            if isinstance(answer, Answer):
                found.append(breach(promise, answer.status, answer.body))
            else:
                unknown.append(answer)

    async with Client(base_url, _AT_A_TIME, None) as client, asyncio.TaskGroup() as group:
        for _ in range(_AT_A_TIME):
            group.create_task(ask_all(client))
    return Rechecked(lost=tuple(filter(None, found)), unknown=tuple(unknown))


async def _answer(client: Client, promise: Promise, until: float) -> Answer | str:
    """Return the first answer that is no server error, or the last trouble when time is up."""
    trouble = f"{promise.path} was not asked in time"
    while time.monotonic() < until:
        answer = await client.ask(Request("GET", promise.path))
        if isinstance(answer, NoAnswer):
            trouble = f"{promise.path}: {answer.detail}"
        elif answer.status < _SERVER_ERROR:
            return answer
        else:
            trouble = f"{promise.path} answers {answer.status}"
        await asyncio.sleep(_PAUSE_S)
    return trouble
