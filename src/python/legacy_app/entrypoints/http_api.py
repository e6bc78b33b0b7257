"""The shop for programs: JSON under /api."""

from collections import Counter
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from legacy_app.domain.catalogue import Offer
from legacy_app.domain.orders import CancelReason, Order, Status
from legacy_app.service_layer.shop import Shop

# Printable throughout: PostgreSQL text cannot hold a NUL, and names do not need line ends.
Sku = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Customer = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
MAX_QTY = 1000
Qty = Annotated[int, Field(ge=1, le=MAX_QTY)]
# Placing an order asks the stock for each line in turn, see service_layer/driver.py.
MAX_LINES = 10
# The range of bigint: a larger number would become `numeric`, which no index on bigint serves.
OrderId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Key = Annotated[str | None, Header(alias="Idempotency-Key", pattern=r"^[!-~]{1,255}$")]


class ProductBody(BaseModel):
    """A product and how many of it can be had."""

    sku: str
    name: str
    description: str
    price_cents: int
    available: int

    @classmethod
    def of(cls, offer: Offer) -> "ProductBody":
        """Show an offer."""
        product = offer.product
        return cls(
            sku=product.sku,
            name=product.name,
            description=product.description,
            price_cents=product.price_cents,
            available=offer.available,
        )


class Wish(BaseModel):
    """One product to be ordered."""

    model_config = ConfigDict(extra="forbid")
    sku: Sku
    qty: Annotated[Qty, Field(strict=True)]


class OrderRequest(BaseModel):
    """An order to be placed; several lines of one product become one."""

    model_config = ConfigDict(extra="forbid")
    customer: Customer
    lines: Annotated[list[Wish], Field(min_length=1, max_length=MAX_LINES)]

    def wanted(self) -> dict[str, int]:
        """Return the quantity by sku."""
        wanted: Counter[str] = Counter()
        for line in self.lines:
            wanted[line.sku] += line.qty
        return dict(wanted)


class LineBody(BaseModel):
    """One product of an order, at the price of the time of ordering."""

    sku: str
    name: str
    qty: int
    price_cents: int


class OrderBody(BaseModel):
    """An order; what it holds is held until `reserved_until`."""

    id: int
    customer: str
    status: Status
    cancel_reason: CancelReason | None
    lines: list[LineBody]
    total_cents: int
    created_at: datetime
    reserved_until: datetime | None

    @classmethod
    def of(cls, order: Order) -> "OrderBody":
        """Show an order."""
        return cls(
            id=order.id,
            customer=order.customer,
            status=order.status,
            cancel_reason=order.cancel_reason,
            lines=[
                LineBody(sku=x.sku, name=x.name, qty=x.qty, price_cents=x.price_cents)
                for x in order.lines
            ],
            total_cents=order.total_cents,
            created_at=order.created_at,
            reserved_until=order.reserved_until,
        )


def api_router(shop: Shop) -> APIRouter:
    """Make the routes for programs."""
    router = APIRouter(prefix="/api")

    @router.get("/products", summary="The catalogue and what is available")
    async def products() -> list[ProductBody]:
        return [ProductBody.of(offer) for offer in await shop.offers()]

    @router.get("/orders", summary="The newest orders, newest first")
    async def orders(limit: Annotated[int, Query(ge=1, le=200)] = 50) -> list[OrderBody]:
        return [OrderBody.of(order) for order in await shop.latest_orders(limit)]

    @router.post("/orders", status_code=201, summary="Order and reserve all of it, or nothing")
    async def place(request: OrderRequest, key: Key = None) -> OrderBody:
        return OrderBody.of(await shop.place(request.customer, request.wanted(), key))

    @router.get("/orders/{order_id}")
    async def order(order_id: OrderId) -> OrderBody:
        return OrderBody.of(await shop.order(order_id))

    @router.post("/orders/{order_id}/checkout", summary="Buy what is reserved")
    async def check_out(order_id: OrderId) -> OrderBody:
        return OrderBody.of(await shop.check_out(order_id))

    @router.delete("/orders/{order_id}", summary="Give up an order that is not checked out")
    async def cancel(order_id: OrderId) -> OrderBody:
        return OrderBody.of(await shop.cancel(order_id))

    return router
