"""What was acknowledged under load is asked for again, and what is gone is named."""

import time

import pytest

from deploytool.traffic.load.generator import LoadGenerator
from deploytool.traffic.load.recheck import Rechecked
from tests.deploytool.traffic.load.shop import BUY, Shop, load_of

KEPT = Rechecked()


@pytest.fixture
def bought(shop: Shop) -> LoadGenerator:
    load = LoadGenerator(shop.url, load_of(BUY), None, seed=1)
    load.start()
    time.sleep(0.5)
    assert load.stop(5).failures == 0
    assert len(shop.orders) > 5
    return load


def test_what_was_acknowledged_is_asked_for_again(shop: Shop, bought: LoadGenerator) -> None:
    shop.seen.clear()
    assert bought.recheck() == KEPT
    assert sorted(shop.seen) == sorted(f"GET /orders/{number}" for number in shop.orders)


def test_a_lost_order_and_a_lost_change_are_found(shop: Shop, bought: LoadGenerator) -> None:
    del shop.orders[2]
    shop.orders[3] = "reserved"
    found = bought.recheck()
    assert sorted(found.lost) == [
        "/orders/2 answers 404",
        "/orders/3 has 'reserved' at /status, 'confirmed' was acknowledged",
    ]
    assert found.unknown == ()


def test_no_more_than_the_newest_are_asked_for(shop: Shop, bought: LoadGenerator) -> None:
    shop.seen.clear()
    bought.recheck(newest=2)
    assert len(shop.seen) == 2


def test_an_order_is_not_lost_because_the_server_cannot_answer_now(
    shop: Shop, bought: LoadGenerator
) -> None:
    shop.troubles = [503] * 5
    assert bought.recheck() == KEPT


def test_what_could_not_be_asked_is_neither_kept_nor_lost(
    shop: Shop, bought: LoadGenerator
) -> None:
    shop.troubles = [503] * 1000
    for deadline_s, why in ((1, "answers 503"), (0, "was not asked in time")):
        found = bought.recheck(newest=3, deadline_s=deadline_s)
        assert found.lost == ()
        assert len(found.unknown) == 3
        assert all(why in sentence for sentence in found.unknown)
