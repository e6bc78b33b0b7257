"""What a journey asks for, takes from the answers and may rely on."""

import json
import random
from typing import Any

import pytest

from deploytool.system.load import JourneyStep, Load
from deploytool.traffic.load.journey import (
    Promise,
    breach,
    captured,
    drawn,
    goes_on,
    promise_of,
    request_of,
    unexpected,
    value_at,
)


def step(**fields: Any) -> JourneyStep:
    return JourneyStep.model_validate({"request": "GET /x", **fields})


def test_variables_are_filled_in_everywhere_and_keep_their_type_when_alone() -> None:
    buy = step(
        request="POST /orders/${sku}",
        headers={"Idempotency-Key": "${uuid}-1"},
        body={"lines": [{"sku": "${sku}", "qty": "${qty}"}], "note": "${qty} of ${sku}"},
    )
    request = request_of(buy, {"sku": "A/B", "qty": 2, "uuid": "u"})
    assert (request.method, request.path) == ("POST", "/orders/A%2FB")
    assert request.headers == {"Idempotency-Key": "u-1", "Content-Type": "application/json"}
    assert request.content is not None
    assert json.loads(request.content) == {
        "lines": [{"sku": "A/B", "qty": 2}],
        "note": "2 of A/B",
    }


def test_a_request_without_a_body_has_no_content() -> None:
    request = request_of(step(), {})
    assert (request.content, dict(request.headers)) == (None, {})


def test_the_same_seed_draws_the_same_choices_but_never_the_same_uuid() -> None:
    load = Load.model_validate(
        {
            "rate": 1,
            "choices": {"sku": list("abcdefgh"), "qty": [1, 2, 3]},
            "journeys": [{"name": "a", "share": 1, "steps": [{"request": "GET /${sku}"}]}],
        }
    )
    once, again = (drawn(load, random.Random(7)) for _ in range(2))
    assert once.pop("uuid") != again.pop("uuid")
    assert once == again


@pytest.mark.parametrize(
    ("expect", "only", "status", "is_going_on"),
    [
        ((201,), (), 201, True),
        ((201,), (), 200, False),
        ((201, 409), (), 409, True),
        ((201, 409), (201,), 409, False),
        ((201, 409), (201,), 201, True),
    ],
)
def test_a_journey_goes_on_after_the_answers_it_builds_upon(
    expect: tuple[int, ...], only: tuple[int, ...], status: int, is_going_on: bool
) -> None:
    assert goes_on(step(expect=expect, goes_on=only), status) is is_going_on


def test_the_answer_provides_variables() -> None:
    body = b'{"id": 7, "lines": [{"sku": "A"}]}'
    wanted = step(capture={"order": "/id", "first": "/lines/0/sku"})
    assert captured(wanted, body) == {"order": 7, "first": "A"}


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[]", b'{"id": null}', b'{"id": [1]}'])
def test_an_answer_without_the_variable_is_malformed(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"the answer has no order at /id|Expecting value"):
        captured(step(capture={"order": "/id"}), body)


@pytest.mark.parametrize(
    ("body", "difference"),
    [
        (b'{"sku": "A", "qty": 2, "more": 1}', ""),
        (b'{"sku": "B", "qty": 2}', "has 'B' at /sku, 'A' was expected"),
        (b'{"sku": "A", "qty": "2"}', "has '2' at /qty, 2 was expected"),
        (b'{"error": "sorry"}', "has None at /sku, 'A' was expected"),
        (b"<html>", "answers no JSON"),
    ],
)
def test_an_answer_holds_what_the_step_declares_or_a_sentence_says_what_it_has(
    body: bytes, difference: str
) -> None:
    declared = step(holds={"/sku": "${sku}", "/qty": "${qty}"})
    assert unexpected(declared, body, {"sku": "A", "qty": 2}) == difference
    assert unexpected(step(), body, {}) == ""


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", {"a/b": [1, {"~": 2}]}),
        ("/a~1b/0", 1),
        ("/a~1b/1/~0", 2),
        ("/a~1b/2", None),
        ("/x", None),
    ],
)
def test_json_pointers(pointer: str, value: Any) -> None:
    assert value_at({"a/b": [1, {"~": 2}]}, pointer) == value


def test_an_answer_promises_what_the_step_declares() -> None:
    paid = step(
        recheck={"get": "/orders/${order}", "holds": {"/status": "paid", "/id": "${order}"}}
    )
    assert promise_of(paid, {"order": 7}) == Promise("/orders/7", {"/status": "paid", "/id": 7})
    assert promise_of(step(), {}) is None


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (200, b'{"status": "paid", "more": 1}', ""),
        (404, b"", "/o answers 404"),
        (200, b"<html>", "/o answers no JSON"),
        (200, b'{"status": "new"}', "/o has 'new' at /status, 'paid' was acknowledged"),
        (200, b"[]", "/o has None at /status, 'paid' was acknowledged"),
    ],
)
def test_a_promise_is_kept_or_a_sentence_says_how_it_is_broken(
    status: int, body: bytes, sentence: str
) -> None:
    assert breach(Promise("/o", {"/status": "paid"}), status, body) == sentence
