"""Errors as answers: problem+json (RFC 9457) for programs, a page for people."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from legacy_app.domain import errors
from legacy_app.domain.orders import CancelReason

MEDIA_TYPE = "application/problem+json"

KINDS: dict[type[errors.ShopError], tuple[int, str, str]] = {
    errors.OrderNotFound: (404, "order-not-found", "No such order"),
    errors.UnknownProduct: (422, "unknown-product", "No such product"),
    errors.KeyReused: (422, "idempotency-key-reused", "Key used for another order"),
    errors.OrderNotReady: (409, "order-not-ready", "Not reserved yet"),
    errors.OrderCancelled: (409, "order-cancelled", "The order is cancelled"),
    errors.OrderFinal: (409, "order-final", "Too late to cancel"),
    errors.OrderHalfConfirmed: (409, "order-half-confirmed", "Confirmed in part"),
    errors.StockUnavailable: (503, "stock-unavailable", "The stock does not answer"),
    errors.DatabaseUnavailable: (503, "database-unavailable", "The database does not answer"),
}
CANCELLED_KINDS = {
    CancelReason.OUT_OF_STOCK: ("out-of-stock", "Out of stock"),
    CancelReason.EXPIRED: ("order-expired", "No longer held"),
}


@dataclass(frozen=True)
class Problem:
    """An error as it is told: `code` for programs, the rest for people."""

    status: int
    code: str
    title: str
    detail: str
    order_id: int | None = None


def problem(
    status: int,
    code: str,
    title: str,
    detail: str,
    headers: dict[str, str] | None = None,
    **more: object,
) -> Response:
    """Make a problem response."""
    headers = dict(headers or {})
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.setdefault("Retry-After", str(errors.Unavailable.retry_after_s))
    body = {"type": code, "title": title, "status": status, "detail": detail, **more}
    return Response(json.dumps(body), status, headers, MEDIA_TYPE)


def describe(error: Exception) -> Problem:
    """Return what to tell of an error; of a defect here, nothing but that it is one."""
    match error:
        case errors.OrderCancelled(order=order) if order.cancel_reason in CANCELLED_KINDS:
            code, title = CANCELLED_KINDS[order.cancel_reason]
            return Problem(409, code, title, str(error), order.id)
        case errors.ShopError() if type(error) in KINDS:
            order_id = error.order.id if isinstance(error, errors.OrderError) else None
            return Problem(*KINDS[type(error)], str(error), order_id)
        case RequestValidationError() | ValidationError():
            # Where and what, but not the input, which can be large.
            wrong = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            return Problem(422, "invalid-request", "The request is not valid", "; ".join(wrong))
        case HTTPException(status_code=status):
            phrase = HTTPStatus(status).phrase
            return Problem(status, phrase.lower().replace(" ", "-"), phrase, error.detail)
    return Problem(500, "internal-error", "Something is wrong in the shop", "It was written down.")


def install(app: FastAPI, page: Callable[[Request, Problem], Awaitable[Response]]) -> None:
    """Make `app` answer its errors so; `page` shows one to a person."""

    async def answer(request: Request, error: Exception) -> Response:
        told = describe(error)
        headers = dict(getattr(error, "headers", None) or {})
        if _is_person(request):
            response = await page(request, told)
            response.headers.update(headers)
            return response
        more = {"order_id": told.order_id} if told.order_id is not None else {}
        return problem(told.status, told.code, told.title, told.detail, headers, **more)

    for kind in (
        errors.ShopError,
        RequestValidationError,
        ValidationError,
        HTTPException,
        Exception,
    ):
        app.add_exception_handler(kind, answer)


def _is_person(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "") and not (
        request.scope["path"].startswith("/api/")
    )
