"""The interval of a rate: what it holds, how it narrows, and that it holds at every look."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploytool.canary.interval import rate_interval


@given(st.integers(0, 400), st.integers(1, 400))
def test_it_holds_what_was_seen_and_stays_a_rate(hits: int, others: int) -> None:
    low, high = rate_interval(hits, hits + others)
    assert 0 <= low <= hits / (hits + others) <= high <= 1


@given(st.integers(1, 50), st.integers(1, 50))
def test_failures_and_successes_are_treated_alike(hits: int, others: int) -> None:
    low, high = rate_interval(hits, hits + others)
    assert rate_interval(others, hits + others) == pytest.approx((1 - high, 1 - low))


def test_it_narrows_with_more_requests_and_widens_with_less_risk() -> None:
    few, many = rate_interval(5, 100), rate_interval(50, 1000)
    assert few[0] < many[0] < 0.05 < many[1] < few[1]
    assert rate_interval(5, 100, alpha=0.001)[1] > few[1]


def test_without_requests_nothing_is_known_and_without_failures_zero_is_possible() -> None:
    assert rate_interval(0, 0) == (0, 1)
    assert rate_interval(0, 100)[0] == 0
    assert rate_interval(7, 7)[1] == 1


def test_without_failures_the_upper_end_is_where_the_bet_pays_twenty_to_one() -> None:
    # mixture 1 / (n + 1) against (1 - p) ** n
    high = rate_interval(0, 100)[1]
    assert (1 - high) ** 100 == pytest.approx(0.05 / 101)


@pytest.mark.parametrize("rate", [0.01, 0.2])
def test_looked_at_after_each_request_it_rarely_misses_the_true_rate(rate: float) -> None:
    random, missed = Random(5), 0
    for _ in range(100):
        hits = 0
        for n in range(1, 301):
            hits += random.random() < rate
            low, high = rate_interval(hits, n)
            if not low <= rate <= high:
                missed += 1
                break
    assert missed <= 5
