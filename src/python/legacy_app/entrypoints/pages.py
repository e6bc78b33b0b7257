"""The shop for people: pages made here, forms sent back, no script anywhere."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import parse_qsl
from uuid import uuid4

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from legacy_app.domain.catalogue import Offer
from legacy_app.domain.errors import OrderCancelled, OrderFinal, StockUnavailable
from legacy_app.entrypoints import basket
from legacy_app.entrypoints.http_api import MAX_QTY, Customer, OrderId, Sku
from legacy_app.entrypoints.problems import Problem
from legacy_app.entrypoints.rendering import Renderer
from legacy_app.service_layer.shop import Shop

Model = TypeVar("Model", bound=BaseModel)
STATIC = Path(__file__).parent / "static"
MAX_FORM_BYTES = 8192
ORDERS_SHOWN = 50


class Addition(BaseModel):
    """The form that puts one more of a product into the basket."""

    sku: Sku


class Change(BaseModel):
    """The form that sets how many of a product are in the basket."""

    sku: Sku
    qty: Annotated[int, Field(ge=0, le=MAX_QTY)]


class Checkout(BaseModel):
    """The form that orders what is in the basket; its key makes a second click harmless."""

    customer: Customer
    key: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


def sent(model: type[Model]) -> Callable[[Request], Awaitable[Model]]:
    """Make the dependency that reads a form. Raises pydantic's ValidationError."""

    async def read(request: Request) -> Model:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_FORM_BYTES:
                raise HTTPException(413, "The form is too large.")
        return model.model_validate(dict(parse_qsl(body.decode(errors="replace"))))

    return read


def pages_router(shop: Shop, renderer: Renderer) -> APIRouter:
    """Make the routes for people."""
    router = APIRouter(include_in_schema=False, default_response_class=Response)

    @router.get("/")
    async def catalogue(request: Request, added: str = "") -> Response:
        offers = await shop.offers()
        new = next((offer.product for offer in offers if offer.product.sku == added), None)
        return renderer.page(request, "catalogue.html", offers=offers, added=new)

    @router.get("/basket")
    async def show_basket(request: Request) -> Response:
        return renderer.page(request, "basket.html", entries=_entries(request, await shop.offers()))

    @router.post("/basket/add")
    async def add(request: Request, form: Annotated[Addition, Depends(sent(Addition))]) -> Response:
        qty = _basket(request).get(form.sku, 0) + 1
        return _with_basket(request, f"/?added={form.sku}", form.sku, qty)

    @router.post("/basket")
    async def change(request: Request, form: Annotated[Change, Depends(sent(Change))]) -> Response:
        return _with_basket(request, "/basket", form.sku, form.qty)

    @router.get("/checkout")
    async def checkout(request: Request) -> Response:
        entries = _entries(request, await shop.offers())
        if not entries:
            return _go(request, "/basket")
        return renderer.page(request, "checkout.html", entries=entries, key=uuid4().hex)

    @router.post("/checkout")
    async def place(
        request: Request, form: Annotated[Checkout, Depends(sent(Checkout))]
    ) -> Response:
        wanted = _basket(request)
        if not wanted:
            return _go(request, "/basket")
        try:
            order = await shop.place(form.customer, wanted, form.key)
        except OrderCancelled as refusal:
            # The order's own page says why; the basket is kept to be changed.
            return _go(request, f"/orders/{refusal.order.id}")
        response = _go(request, f"/orders/{order.id}")
        response.delete_cookie(basket.COOKIE, path=_cookie_path(request))
        return response

    @router.get("/orders")
    async def orders(request: Request) -> Response:
        latest = await shop.latest_orders(ORDERS_SHOWN)
        return renderer.page(request, "orders.html", orders=latest)

    @router.get("/orders/{order_id}")
    async def show_order(request: Request, order_id: OrderId) -> Response:
        order = await shop.order(order_id)
        return renderer.page(request, "order.html", order=order, now=datetime.now(UTC))

    # The page of the order tells how it stands, also when it is on its way or was too late.
    @router.post("/orders/{order_id}/confirm")
    async def confirm(request: Request, order_id: OrderId) -> Response:
        with suppress(OrderCancelled, StockUnavailable):
            await shop.check_out(order_id)
        return _go(request, f"/orders/{order_id}")

    @router.post("/orders/{order_id}/cancel")
    async def cancel(request: Request, order_id: OrderId) -> Response:
        with suppress(OrderFinal, StockUnavailable):
            await shop.cancel(order_id)
        return _go(request, f"/orders/{order_id}")

    @router.get("/static/{name}")
    async def static(name: Literal["shop.css", "icon.svg"]) -> Response:
        # Not longer: while a canary runs, either version may answer.
        return FileResponse(STATIC / name, headers={"Cache-Control": "max-age=60"})

    return router


def error_page(renderer: Renderer) -> Callable[[Request, Problem], Awaitable[Response]]:
    """Make the function that shows an error to a person."""

    async def show(request: Request, told: Problem) -> Response:
        return renderer.page(request, "error.html", told.status, problem=told)

    return show


def _basket(request: Request) -> dict[str, int]:
    return basket.parse(request.cookies.get(basket.COOKIE, ""))


def _entries(request: Request, offers: list[Offer]) -> list[tuple[Offer, int]]:
    wanted = _basket(request)
    return [(offer, wanted[offer.product.sku]) for offer in offers if offer.product.sku in wanted]


def _cookie_path(request: Request) -> str:
    return request.scope["root_path"] or "/"


def _go(request: Request, path: str) -> Response:
    return RedirectResponse(request.scope["root_path"] + path, 303)


def _with_basket(request: Request, path: str, sku: str, qty: int) -> Response:
    response = _go(request, path)
    response.set_cookie(
        basket.COOKIE,
        basket.serialize(basket.changed(_basket(request), sku, qty)),
        max_age=basket.KEPT_FOR_S,
        path=_cookie_path(request),
        httponly=True,
        samesite="lax",
    )
    return response
