"""What the steps of a journey ask for, take from the answers and may rely on. Pure."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from deploytool.system.declared import REFERENCE
from deploytool.system.load import JourneyStep, Load

Value = str | int
Variables = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request to the gateway; a body is JSON."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """What an answer promised: the path answers 200, with these values at these JSON pointers."""

    path: str
    holds: Mapping[str, Value]


def drawn(load: Load, randomness: random.Random) -> dict[str, Value]:
    """Return the variables with which a journey begins.

    The uuid is new in every run, whatever the seed: it becomes an idempotency key, and a service
    answers a key that it knows without doing anything.
    """
    choices = {name: randomness.choice(values) for name, values in load.choices.items()}
    return {"uuid": str(uuid4()), **choices}


def request_of(step: JourneyStep, variables: Variables) -> Request:
    """Return the request of the step."""
    method, _, path = step.request.partition(" ")
    headers = {name: str(_filled(text, variables)) for name, text in step.headers.items()}
    content = None
    if step.body is not None:
        content = json.dumps(_filled(step.body, variables)).encode()
        headers.setdefault("Content-Type", "application/json")
    return Request(method, _path(path, variables), headers, content)


def is_right(step: JourneyStep, status: int) -> bool:
    """Return whether the status is a right answer to the step."""
    return status in step.expect


def unexpected(step: JourneyStep, body: bytes, variables: Variables) -> str:
    """Return how the answer's body differs from what the step declares, "" when it does not."""
    return _difference(_filled(step.holds, variables), body, "was expected")


def goes_on(step: JourneyStep, status: int) -> bool:
    """Return whether the answer is what the rest of the journey builds upon."""
    return status in (step.goes_on or step.expect)


def captured(step: JourneyStep, body: bytes) -> dict[str, Value]:
    """Return the variables that the answer provides. Raises ValueError when one is missing."""
    if not step.capture:
        return {}
    document = json.loads(body)
    found = {name: value_at(document, pointer) for name, pointer in step.capture.items()}
    for name, value in found.items():
        if not isinstance(value, str | int):
            raise ValueError(f"the answer has no {name} at {step.capture[name]}")
    return found


def promise_of(step: JourneyStep, variables: Variables) -> Promise | None:
    """Return what the right answer to the step promised, if anything."""
    if step.recheck is None:
        return None
    return Promise(_path(step.recheck.get, variables), _filled(step.recheck.holds, variables))


def breach(promise: Promise, status: int, body: bytes) -> str:
    """Return how the answer breaks the promise, "" when it keeps it."""
    if status != 200:  # noqa: PLR2004 - HTTP OK
        return f"{promise.path} answers {status}"
    difference = _difference(promise.holds, body, "was acknowledged")
    return f"{promise.path} {difference}" if difference else ""


def _difference(holds: Mapping[str, Value], body: bytes, why: str) -> str:
    """Return the first value that does not stand where it must, "" when all do."""
    try:
        document = json.loads(body) if holds else None
    except ValueError:
        return "answers no JSON"
    for pointer, value in holds.items():
        found = value_at(document, pointer)
        if found != value:
            return f"has {found!r} at {pointer}, {value!r} {why}"
    return ""


def value_at(document: Any, pointer: str) -> Any:
    """Return what a JSON pointer (RFC 6901) leads to, None when nothing is there."""
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(document, Mapping):
            document = document.get(key)
        elif isinstance(document, list) and key.isdecimal() and int(key) < len(document):
            document = document[int(key)]
        else:
            return None
    return document


def _path(path: str, variables: Variables) -> str:
    return REFERENCE.sub(lambda name: quote(str(variables[name[1]]), safe=""), path)


def _filled(value: Any, variables: Variables) -> Any:
    """Return the value with its variables filled in; one alone in a text keeps its type."""
    if isinstance(value, str):
        whole = REFERENCE.fullmatch(value)
        if whole:
            return variables[whole[1]]
        return REFERENCE.sub(lambda name: str(variables[name[1]]), value)
    if isinstance(value, Mapping):
        return {key: _filled(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, variables) for item in value]
    return value
