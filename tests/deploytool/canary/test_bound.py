"""The promotion bound: the method's vectors, validity of each bet, speed and false promotions."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from deploytool.canary.bound import PromotionBound, log_growth, nearest_null, tolerances
from deploytool.canary.observation import Table

rates = st.floats(1e-4, 0.9)
margins = st.floats(0.001, 0.5)
sizes = st.integers(1, 200)


def start(tolerance: float, rate: float) -> PromotionBound:
    return PromotionBound.start(tolerances=(tolerance,), rate=rate, alpha=0.05)


@pytest.mark.parametrize(
    ("bound", "tables", "expected"),
    [
        (
            start(0.01, 0.01),
            [Table(10, 0, 90, 1), Table(12, 1, 88, 0), Table(9, 0, 91, 0)],
            [0.102360, -0.506852, -0.462594],
        ),
        (start(0.02, 0), [Table(10, 0, 90, 0)] * 3, [0.201032, 0.402393, 0.603919]),
    ],
)
def test_the_reference_vectors(
    bound: PromotionBound, tables: list[Table], expected: list[float]
) -> None:
    for table, log_e in zip(tables, expected, strict=True):
        bound = bound.after(table)
        assert bound.log_e[0] == pytest.approx(log_e, abs=1e-6)


@given(rates, margins, sizes, sizes, st.floats(0, 1), st.floats(0, 1))
def test_no_canary_worse_by_the_tolerance_gains_on_average(
    rate: float, tolerance: float, n_c: int, n_s: int, stable_at: float, canary_at: float
) -> None:
    stable = stable_at * (1 - tolerance)
    canary = stable + tolerance + canary_at * (1 - tolerance - stable)

    def log_mean_growth(true: float, worst: float) -> float:
        return math.log(true * rate / worst + (1 - true) * (1 - rate) / (1 - worst))

    worst_c, worst_s = nearest_null(rate, tolerance, n_s / n_c)
    assert worst_c - worst_s == pytest.approx(tolerance)
    mean = n_c * log_mean_growth(canary, worst_c) + n_s * log_mean_growth(stable, worst_s)
    assert mean <= 1e-9


def test_the_growth_of_a_block_is_that_of_its_requests_one_by_one() -> None:
    table = Table(3, 1, 9, 2)
    single = [(1, 0)] * 2 + [(1, 1)]
    worst_c, worst_s = nearest_null(0.05, 0.02, 3.0)
    by_hand = sum(
        math.log((0.05 if x else 0.95) / (worst_c if x else 1 - worst_c)) for _, x in single
    )
    by_hand += 2 * math.log(0.05 / worst_s) + 7 * math.log(0.95 / (1 - worst_s))
    assert log_growth(table, 0.05, 0.02) == pytest.approx(by_hand)


@pytest.mark.parametrize(("tolerance", "requests"), [(0.01, 300), (0.02, 150), (0.05, 60)])
def test_without_failures_a_tolerance_is_proved_by_the_measured_number_of_requests(
    tolerance: float, requests: int
) -> None:
    bound = PromotionBound.start(tolerances=tolerances([tolerance]), rate=0, alpha=0.05)
    estimate = bound.requests_needed(tolerance, Table(0, 0, 0, 0), 9.0)
    counted = 0
    while bound.upper > tolerance:
        bound = bound.after(Table(10, 0, 90, 0))
        counted += 10
    assert counted == requests
    assert estimate == pytest.approx(requests, rel=0.05)


def test_the_bound_falls_and_never_rises_again() -> None:
    bound = PromotionBound.start(tolerances=tolerances([]), rate=0, alpha=0.05)
    assert bound.upper == 1
    seen = [bound.upper]
    for table in [Table(10, 0, 90, 0)] * 30 + [Table(10, 9, 90, 0)] * 3:
        bound = bound.after(table)
        seen.append(bound.upper)
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] == seen[30] < 0.012


ALL_BUT_ONE = PromotionBound(
    limit=20, tolerances=(0.01, 0.02, 0.05), log_e=(4.0, -40.0, 4.0), failures=0, requests=200
)
"""After a failure of both at a high weight 1 % may be refuted before 2 % is."""


def test_a_tolerance_counts_only_together_with_all_larger_ones() -> None:
    assert ALL_BUT_ONE.after(Table(10, 0, 90, 0)).upper == 0.05


def test_more_requests_are_needed_while_a_larger_tolerance_is_not_refuted() -> None:
    healthy = Table(10, 0, 90, 0)
    needed = ALL_BUT_ONE.requests_needed(0.01, healthy, 9.0)
    bound, counted = ALL_BUT_ONE, 10
    while bound.upper > 0.01:
        bound, counted = bound.after(healthy), counted + 10
    assert needed == pytest.approx(counted, rel=0.05)


def test_no_more_requests_are_needed_once_a_tolerance_is_proved() -> None:
    assert ALL_BUT_ONE.requests_needed(0.05, Table(10, 0, 90, 0), 9.0) == 10


def test_a_block_with_an_empty_arm_changes_nothing() -> None:
    bound = start(0.01, 0.01)
    assert bound.after(Table(0, 0, 90, 1)) == bound.after(Table(10, 1, 0, 0)) == bound


def test_a_worse_canary_never_gets_there_by_waiting() -> None:
    bound = start(0.01, 0.01).after(Table(100, 5, 900, 9))
    assert bound.requests_needed(0.01, Table(100, 5, 900, 9), 9.0) == math.inf


def test_the_grid_holds_the_gates_themselves() -> None:
    grid = tolerances([0.01, 0.02, 0.05])
    assert {0.001, 0.01, 0.02, 0.05} <= set(grid)
    assert grid[-1] == pytest.approx(0.5)
    assert list(grid) == sorted(set(grid))


def test_a_canary_worse_by_the_tolerance_is_rarely_proved_to_be_better() -> None:
    random = Random(3)
    promoted = 0
    for _ in range(300):
        bound = start(0.01, 0.01)
        for _ in range(60):
            failed_c = sum(random.random() < 0.02 for _ in range(25))
            failed_s = sum(random.random() < 0.01 for _ in range(25))
            bound = bound.after(Table(25, failed_c, 25, failed_s))
        promoted += bound.upper <= 0.01
    assert promoted <= 22  # 15 are allowed on average; more than 22 once in 40 seeds


OUT = Table(10, 10, 90, 90)
"""The database does not answer: every request fails, whoever serves it."""


def test_blocks_in_which_stable_is_out_are_left_out() -> None:
    begun = bound = start(0.01, 0.001)
    for _ in range(15):
        bound = bound.after(OUT)
    assert bound.left_out == Table(150, 150, 1350, 1350)
    assert (bound.log_e, bound.rate) == (begun.log_e, begun.rate)


def test_an_outage_of_both_versions_takes_no_more_requests_afterwards() -> None:
    def blocks_to_one_percent(bound: PromotionBound) -> int:
        blocks = 0
        while bound.upper > 0.01:
            bound = bound.after(Table(10, 0, 90, 0))
            blocks += 1
        return blocks

    after_outage = start(0.01, 0.001)
    for _ in range(15):
        after_outage = after_outage.after(OUT)
    assert blocks_to_one_percent(after_outage) == blocks_to_one_percent(start(0.01, 0.001))


@pytest.mark.parametrize("stable_rate", [0.0, 0.02, 0.1, 0.2, 0.5, 0.9])
def test_leaving_out_what_stable_fails_in_never_speaks_for_a_worse_canary(
    stable_rate: float,
) -> None:
    """Over all that can happen in a block, the expected growth is at most 1 if the canary is worse
    by the tolerance: exactly, for any rate of stable, however likely an outage then is."""
    bound = start(0.05, 0.01)
    n_c, n_s = 10, 40
    expected = math.fsum(
        binom.pmf(x_c, n_c, stable_rate + 0.05)
        * binom.pmf(x_s, n_s, stable_rate)
        * math.exp(bound.after(Table(n_c, x_c, n_s, x_s)).log_e[0])
        for x_c in range(n_c + 1)
        for x_s in range(n_s + 1)
    )
    assert expected <= 1 + 1e-9


def test_failures_of_a_service_that_always_fails_are_no_outage() -> None:
    noisy = start(0.01, 0.1).after(Table(10, 2, 90, 18))
    assert noisy.left_out == Table(0, 0, 0, 0)
