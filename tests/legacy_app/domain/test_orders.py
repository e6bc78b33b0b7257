"""Which change of status is allowed from where."""

from datetime import UTC, datetime, timedelta

import pytest

from legacy_app.domain.orders import (
    CHECK_OUT,
    CLOSE,
    COMPLETE,
    HOLD,
    CancelReason,
    Line,
    Move,
    Order,
    Status,
    cancellation,
)

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("move", "sources", "target"),
    [
        (HOLD, "pending", "reserved"),
        (CHECK_OUT, "reserved", "confirming"),
        (COMPLETE, "confirming", "confirmed"),
        (CLOSE, "cancelling", "cancelled"),
        (cancellation(CancelReason.CUSTOMER), "pending reserved", "cancelling"),
        (cancellation(CancelReason.OUT_OF_STOCK), "pending", "cancelling"),
        (cancellation(CancelReason.EXPIRED), "reserved confirming", "cancelling"),
        (cancellation(CancelReason.ABANDONED), "pending", "cancelling"),
    ],
)
def test_moves_start_and_end_where_the_rules_say(move: Move, sources: str, target: str) -> None:
    assert (" ".join(move.sources), move.target) == (sources, target)


def test_nothing_leaves_a_final_status() -> None:
    moves = [HOLD, CHECK_OUT, COMPLETE, CLOSE, *map(cancellation, CancelReason)]
    assert not {Status.CONFIRMED, Status.CANCELLED} & {s for move in moves for s in move.sources}


def test_an_order_adds_up_and_names_its_claims() -> None:
    lines = (Line("CUP", "Cup", 3, 150), Line("JUG", "Jug", 1, 1000))
    order = Order(42, "Ada", Status.RESERVED, lines, NOW, NOW + timedelta(seconds=5))
    assert order.total_cents == 1450
    assert [order.claim(line).order_ref for line in lines] == ["42/CUP", "42/JUG"]
    assert order.is_held_at(NOW)
    assert not order.is_held_at(NOW + timedelta(seconds=5))
