"""The inventory's routes: check the form, call one use case, show the result."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from new_microservice.domain.reservation import (
    Reservation,
    ReservationRequest,
    State,
    StockLevel,
)
from new_microservice.entrypoints.problems import described
from new_microservice.service_layer.reservations import Reservations

# Printable ASCII throughout: PostgreSQL text cannot hold a NUL, logs should not hold the rest.
Sku = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
SkuInPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
# More would become `numeric` in PostgreSQL, which no index on bigint serves.
ReservationId = Annotated[int, Path(ge=1, le=2**63 - 1)]
IdempotencyKey = Annotated[str, Header(alias="Idempotency-Key", pattern=r"^[!-~]{1,255}$")]
MAX_QTY = 1_000_000
MAX_SKUS = 100


def _json_integer(value: object) -> object:
    # JSON knows one kind of number: 7.0 is an integer there.
    return int(value) if isinstance(value, float) and value.is_integer() else value


class StockView(BaseModel):
    """The stock of one article, in pieces."""

    sku: str
    on_hand: int
    reserved: int
    available: int

    @classmethod
    def of(cls, level: StockLevel) -> "StockView":
        """Show a level."""
        return cls(
            sku=level.sku,
            on_hand=level.on_hand,
            reserved=level.reserved,
            available=level.available,
        )


class ReservationBody(BaseModel):
    """What to reserve, and for which order."""

    model_config = ConfigDict(extra="forbid")

    order_ref: Annotated[str, Field(pattern=r"^[!-~]{1,128}$", examples=["42/BOWL-ASH"])]
    sku: Sku
    # Strict: "1" and true are mistakes of the caller, better told than guessed.
    qty: Annotated[int, Field(ge=1, le=MAX_QTY, strict=True), BeforeValidator(_json_integer)]


class ReservationView(BaseModel):
    """A reservation; it holds its stock while it is pending."""

    id: int
    order_ref: str
    sku: str
    qty: int
    state: State
    expires_at: datetime

    @classmethod
    def of(cls, held: Reservation) -> "ReservationView":
        """Show a reservation."""
        return cls(
            id=held.id,
            order_ref=held.order_ref,
            sku=held.sku,
            qty=held.qty,
            state=held.state,
            expires_at=held.expires_at,
        )


def inventory_router(
    reservations: Reservations, route_class: type[APIRoute] = APIRoute
) -> APIRouter:
    """Make the business routes."""
    router = APIRouter(prefix="/v1", route_class=route_class, responses=described(422, 503))

    @router.get("/stock", summary="Stock of some articles, or of all")
    async def list_stock(
        sku: Annotated[list[Sku], Query(max_length=MAX_SKUS)] = [],  # noqa: B006  (FastAPI copies)
    ) -> list[StockView]:
        return [StockView.of(level) for level in await reservations.stock(sku)]

    @router.get("/stock/{sku}", summary="Stock of one article", responses=described(404))
    async def read_stock(sku: SkuInPath) -> StockView:
        return StockView.of(await reservations.stock_of(sku))

    @router.post(
        "/reservations",
        summary="Hold stock for an order",
        status_code=201,
        responses={200: {"model": ReservationView}, **described(400, 404, 409)},
    )
    async def reserve(
        body: ReservationBody, key: IdempotencyKey, response: Response
    ) -> ReservationView:
        request = ReservationRequest(body.order_ref, body.sku, body.qty)
        answer = await reservations.reserve(request, key)
        response.status_code = answer.status
        return ReservationView.of(answer.reservation)

    @router.get("/reservations/{reservation_id}", responses=described(404))
    async def read_reservation(reservation_id: ReservationId) -> ReservationView:
        return ReservationView.of(await reservations.find(reservation_id))

    @router.post(
        "/reservations/{reservation_id}/confirm",
        summary="The order is final: its goods leave the stock",
        responses=described(404, 409),
    )
    async def confirm(reservation_id: ReservationId) -> ReservationView:
        return ReservationView.of(await reservations.settle(reservation_id, State.CONFIRMED))

    @router.delete(
        "/reservations/{reservation_id}",
        summary="The order is off: its stock is free again",
        responses=described(404, 409),
    )
    async def cancel(reservation_id: ReservationId) -> ReservationView:
        return ReservationView.of(await reservations.settle(reservation_id, State.CANCELLED))

    return router
