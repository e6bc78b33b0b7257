"""Stock, reservations, and what to answer when a conditional change changed nothing."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from new_microservice.domain.errors import (
    KeyReused,
    OrderRefTaken,
    OutOfStock,
    ReservationClosed,
    UnknownReservation,
    UnknownSku,
)


class State(StrEnum):
    """Where a reservation stands; only a pending one holds stock, and only it can change."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class StockLevel:
    """Pieces of one article: in the house, and promised to pending reservations."""

    sku: str
    on_hand: int
    reserved: int

    @property
    def available(self) -> int:
        """Pieces that can still be reserved."""
        return self.on_hand - self.reserved


@dataclass(frozen=True, slots=True)
class ReservationRequest:
    """What somebody wants reserved; `order_ref` is the asker's own unique name for it."""

    order_ref: str
    sku: str
    qty: int

    @property
    def fingerprint(self) -> str:
        """Tells requests apart that came under the same idempotency key."""
        canonical = json.dumps([self.order_ref, self.sku, self.qty])
        return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Reservation:
    """`qty` pieces of `sku`, held until `expires_at` while pending."""

    id: int
    order_ref: str
    sku: str
    qty: int
    state: State
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """The HTTP status and the reservation that a reservation request was answered with."""

    status: int
    reservation: Reservation


@dataclass(frozen=True, slots=True)
class Known:
    """What is known around a request: None where there is nothing.

    kept: fingerprint and answer under the request's idempotency key.
    existing: the reservation under the request's order_ref.
    stock: the level of the request's article.
    """

    kept: tuple[str, Answer] | None
    existing: Reservation | None
    stock: StockLevel | None


def answer_repeated(request: ReservationRequest, known: Known) -> Answer:
    """Answer a request that reserved nothing: a repetition of an earlier one, or a refusal.

    Raises KeyReused, OrderRefTaken, UnknownSku or OutOfStock. The order of the questions matters:
    a repetition gets its first answer again even if nothing is left by now.
    """
    if known.kept is not None:
        fingerprint, answer = known.kept
        if fingerprint != request.fingerprint:
            raise KeyReused("the key belongs to a request with another body; use a fresh key")
        return answer
    if known.existing is not None:
        held = known.existing
        if (held.sku, held.qty) != (request.sku, request.qty):
            raise OrderRefTaken(f"{request.order_ref} already holds {held.qty} of {held.sku}")
        return Answer(200, held)
    if known.stock is None:
        raise UnknownSku(f"there is no article {request.sku}")
    raise OutOfStock(f"{request.qty} of {request.sku} asked for, less is available")


def settled(reservation: Reservation | None, wanted: State) -> Reservation:
    """Answer a confirmation or cancellation that changed nothing: it was done before, or cannot be.

    Raises UnknownReservation or ReservationClosed.
    """
    if reservation is None:
        raise UnknownReservation("there is no such reservation")
    if reservation.state is wanted:
        return reservation
    # A pending one that did not change is past its time; the sweeper has not come to it yet.
    state = State.EXPIRED if reservation.state is State.PENDING else reservation.state
    raise ReservationClosed(f"reservation {reservation.id} is {state}, it cannot be {wanted}")
