"""Walks a journey, request after request, and counts what came of each."""

import time
from collections import OrderedDict
from collections.abc import Sequence

from deploytool.system.load import Journey, JourneyStep
from deploytool.traffic.load.client import Answer, Client, NoAnswer
from deploytool.traffic.load.counts import Failure
from deploytool.traffic.load.journey import (
    Promise,
    Value,
    captured,
    goes_on,
    is_right,
    promise_of,
    request_of,
    unexpected,
)
from deploytool.traffic.load.tally import Tally

_MOST_PROMISES = 10_000
_DETAIL_LENGTH = 200


class Promises:
    """The newest promises of the answers, one a path: a later one about the same path counts."""

    def __init__(self) -> None:
        self._promises: OrderedDict[str, Promise] = OrderedDict()

    def remember(self, promise: Promise) -> None:
        """Take the promise in the place of an earlier one; let the oldest go when it gets full."""
        self._promises[promise.path] = promise
        self._promises.move_to_end(promise.path)
        if len(self._promises) > _MOST_PROMISES:
            self._promises.popitem(last=False)

    def newest(self, count: int) -> Sequence[Promise]:
        """Return up to so many promises, the newest last."""
        return list(self._promises.values())[-count:]


class Walker:
    """One visitor after another; any number of journeys may be under way."""

    def __init__(self, client: Client, tally: Tally, promises: Promises) -> None:
        self._client = client
        self._tally = tally
        self._promises = promises

    async def walk(self, journey: Journey, variables: dict[str, Value], begin: float) -> None:
        """Send the requests of a journey, each when the one before was answered as it should be.

        begin: when the first should be sent, on the monotonic clock.
        """
        self._tally.begin_journey()
        is_cut_off = True
        try:
            for step in journey.steps:
                answer = await self._client.ask(request_of(step, variables))
                latency_s = time.monotonic() - begin
                if not self._judge(journey, step, answer, variables, latency_s):
                    break
                begin = time.monotonic()
            is_cut_off = False
        finally:
            self._tally.end_journey(is_cut_off=is_cut_off)

    def _judge(
        self,
        journey: Journey,
        step: JourneyStep,
        answer: Answer | NoAnswer,
        variables: dict[str, Value],
        latency_s: float,
    ) -> bool:
        """Count the answer, take its variables and its promise; return whether to go on."""
        kind, detail = _fault_of(step, answer)
        is_going_on = isinstance(answer, Answer) and not kind and goes_on(step, answer.status)
        if isinstance(answer, Answer) and is_going_on:
            kind, detail = _take(step, answer, variables)
        promise = promise_of(step, variables) if is_going_on and not kind else None
        if promise:
            self._promises.remember(promise)
        self._count(f"{journey.name}: {step.request}", answer, kind, detail, latency_s)
        return is_going_on and not kind

    def _count(
        self, step: str, answer: Answer | NoAnswer, kind: str, detail: str, latency_s: float
    ) -> None:
        revision = answer.revision if isinstance(answer, Answer) else ""
        # A refused connection is quick and says nothing of how fast the system answers.
        is_measured = isinstance(answer, Answer) or answer.kind == "timeout"
        self._tally.add(
            latency_s=latency_s if is_measured else None,
            revision=revision,
            failure=Failure(time.time(), step, kind, revision, detail) if kind else None,
        )


def _take(step: JourneyStep, answer: Answer, variables: dict[str, Value]) -> tuple[str, str]:
    """Take the variables of an answer; return kind and detail of what is wrong with its body."""
    difference = unexpected(step, answer.body, variables)
    if difference:
        return "unexpected body", difference
    try:
        variables |= captured(step, answer.body)
    except ValueError as error:
        return "malformed", str(error)
    return "", ""


def _fault_of(step: JourneyStep, answer: Answer | NoAnswer) -> tuple[str, str]:
    """Return kind and detail of what is wrong with the answer, two empty texts if nothing is."""
    if isinstance(answer, NoAnswer):
        return answer.kind, answer.detail
    if is_right(step, answer.status):
        return "", ""
    return str(answer.status), answer.body[:_DETAIL_LENGTH].decode(errors="replace")
