"""Every error as RFC 9457 problem+json: `type` is a short stable code, `detail` is for people."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from new_microservice.domain import errors

STATUS: dict[type[errors.InventoryError], int] = {
    errors.UnknownSku: 404,
    errors.UnknownReservation: 404,
    errors.OutOfStock: 409,
    errors.OrderRefTaken: 409,
    errors.ReservationClosed: 409,
    errors.KeyReused: 422,
    errors.StoreUnavailable: 503,
}
MEDIA_TYPE = "application/problem+json"
# What OpenAPI says of the errors of every route.
PROBLEM_SCHEMA = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
    "required": ["type", "title", "status"],
}


def problem(
    status: int, code: str, title: str, detail: str | None = None, **more: object
) -> Response:
    """Make a problem response."""
    body: dict[str, object] = {"type": code, "title": title, "status": status}
    if detail:
        body["detail"] = detail
    headers = {"Retry-After": "1"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    # Plain ASCII: half a surrogate pair in the request must not break its own error message.
    return Response(json.dumps(body | more), status, headers, MEDIA_TYPE)


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of these error answers."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}},
        }
        for status in statuses
    }


async def on_refusal(_: Request, error: Exception) -> Response:
    """Answer one of the domain's refusals."""
    assert isinstance(error, errors.InventoryError)
    return problem(STATUS[type(error)], error.code, error.title, str(error))


async def on_invalid(_: Request, error: Exception) -> Response:
    """Answer a request that does not have the right form."""
    assert isinstance(error, RequestValidationError)
    found: Sequence[Any] = error.errors()
    if any(e["type"] == "missing" and e["loc"] == ("header", "Idempotency-Key") for e in found):
        return problem(
            400,
            "idempotency-key-missing",
            "Idempotency-Key is missing",
            "send a fresh Idempotency-Key header with each new reservation",
        )
    # Only where and what, not the input: it may be large, or not for the log.
    places = [{"at": ".".join(map(str, e["loc"])), "what": e["msg"]} for e in found]
    return problem(422, "invalid-request", "The request is not valid", errors=places)


async def on_http_error(_: Request, error: Exception) -> Response:
    """Answer what the framework refuses: unknown paths, wrong methods, unreadable bodies."""
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    response = problem(error.status_code, phrase.lower().replace(" ", "-"), phrase, error.detail)
    response.headers.update(error.headers or {})
    return response


async def on_defect(_: Request, __: Exception) -> Response:
    """Answer when something is wrong here; what it was goes to the log alone."""
    return problem(500, "internal-error", "Something is wrong in the inventory")


def install(app: FastAPI) -> None:
    """Make `app` answer all errors as problems."""
    app.add_exception_handler(errors.InventoryError, on_refusal)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(Exception, on_defect)
