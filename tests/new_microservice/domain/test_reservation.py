"""What is answered when a change changed nothing."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from new_microservice.domain.errors import (
    InventoryError,
    KeyReused,
    OrderRefTaken,
    OutOfStock,
    ReservationClosed,
    UnknownReservation,
    UnknownSku,
)
from new_microservice.domain.reservation import (
    Answer,
    Known,
    Reservation,
    ReservationRequest,
    State,
    StockLevel,
    answer_repeated,
    settled,
)

REQUEST = ReservationRequest("1/BOWL", "BOWL", 2)
HELD = Reservation(7, "1/BOWL", "BOWL", 2, State.PENDING, datetime(2026, 11, 1, tzinfo=UTC))
KEPT = (REQUEST.fingerprint, Answer(201, HELD))
SOLD_OUT = StockLevel("BOWL", on_hand=2, reserved=2)


def test_a_kept_answer_is_given_again_before_anything_else_is_looked_at() -> None:
    gone = replace(HELD, state=State.CANCELLED)
    assert answer_repeated(REQUEST, Known(KEPT, gone, SOLD_OUT)) == Answer(201, HELD)


def test_the_same_order_ref_under_another_key_finds_its_reservation_as_it_is_now() -> None:
    gone = replace(HELD, state=State.CANCELLED)
    assert answer_repeated(REQUEST, Known(None, gone, SOLD_OUT)) == Answer(200, gone)


@pytest.mark.parametrize(
    ("known", "refusal"),
    [
        (Known(("other", KEPT[1]), None, SOLD_OUT), KeyReused),
        (Known(None, replace(HELD, qty=3), SOLD_OUT), OrderRefTaken),
        (Known(None, replace(HELD, sku="CUP"), SOLD_OUT), OrderRefTaken),
        (Known(None, None, None), UnknownSku),
        (Known(None, None, SOLD_OUT), OutOfStock),
    ],
)
def test_what_is_no_repetition_is_refused(known: Known, refusal: type[InventoryError]) -> None:
    with pytest.raises(refusal):
        answer_repeated(REQUEST, known)


def test_fingerprints_tell_requests_apart() -> None:
    others = [("1/BOWL", "BOWL", 3), ("1/BOWL", "CUP", 2), ("2/BOWL", "BOWL", 2)]
    assert len({REQUEST.fingerprint, *(ReservationRequest(*o).fingerprint for o in others)}) == 4


@pytest.mark.parametrize("wanted", [State.CONFIRMED, State.CANCELLED])
def test_what_was_done_before_is_answered_as_done(wanted: State) -> None:
    done = replace(HELD, state=wanted)
    assert settled(done, wanted) is done


@pytest.mark.parametrize(
    ("state", "named"),
    [("pending", "expired"), ("expired", "expired"), ("cancelled", "cancelled")],
)
def test_what_went_another_way_cannot_be_confirmed(state: str, named: str) -> None:
    with pytest.raises(ReservationClosed, match=f"^reservation 7 is {named}, it cannot be confirm"):
        settled(replace(HELD, state=State(state)), State.CONFIRMED)


def test_what_does_not_exist_cannot_be_settled() -> None:
    with pytest.raises(UnknownReservation):
        settled(None, State.CANCELLED)
