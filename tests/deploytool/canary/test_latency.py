import math

import pytest

from deploytool.canary.latency import BASELINE_REQUESTS, judged_bounds, late_s, quantile_s, settle_s
from deploytool.canary.observation import ArmCounters


def arm(*buckets: tuple[float, int]) -> ArmCounters:
    return ArmCounters(buckets=buckets)


def test_a_quantile_is_linear_within_its_bucket() -> None:
    counted = arm((0.1, 50), (0.2, 90), (0.4, 100), (math.inf, 100))
    assert quantile_s(counted, 0.25) == pytest.approx(0.05)
    assert quantile_s(counted, 0.5) == pytest.approx(0.1)
    assert quantile_s(counted, 0.7) == pytest.approx(0.15)
    assert quantile_s(counted, 0.99) == pytest.approx(0.38)


def test_a_quantile_beyond_the_last_bound_is_at_least_that_bound() -> None:
    assert quantile_s(arm((0.1, 10), (0.2, 50), (math.inf, 100)), 0.9) == 0.2


def test_an_empty_bucket_does_not_hold_a_quantile() -> None:
    assert quantile_s(arm((0.1, 0), (0.2, 0), (0.4, 10), (math.inf, 10)), 0) == 0.2


def test_without_requests_there_is_no_quantile() -> None:
    assert quantile_s(ArmCounters(), 0.5) is None
    assert quantile_s(arm((0.1, 0), (math.inf, 0)), 0.5) is None


BOUNDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32]


def baseline(requests: int) -> ArmCounters:
    shares = [0.1, 0.5, 0.75, 0.9, 0.99, 1.0, 1.0]
    return arm(
        *((b, round(requests * s)) for b, s in zip([*BOUNDS, math.inf], shares, strict=True))
    )


def judged_bounds_s(counted: ArmCounters) -> tuple[float, ...]:
    bounds = judged_bounds(counted, floor_s=0, tolerated=1.25)
    assert all(bound.stable_s == bound.canary_s and bound.tolerated == 1.25 for bound in bounds)
    return tuple(bound.canary_s for bound in bounds)


def test_the_bounds_are_nearest_to_the_quantiles_of_stable() -> None:
    assert judged_bounds_s(baseline(BASELINE_REQUESTS)) == (0.02, 0.04, 0.08, 0.16)


@pytest.mark.parametrize(
    ("requests", "bounds"), [(0, 0), (10, 0), (20, 1), (40, 2), (100, 3), (999, 3), (1000, 4)]
)
def test_a_quantile_is_judged_once_ten_requests_lie_above_it(requests: int, bounds: int) -> None:
    assert len(judged_bounds_s(baseline(requests))) == bounds


def test_bounds_that_coincide_are_judged_once() -> None:
    assert judged_bounds_s(arm((0.01, 2000), (0.02, 2000), (math.inf, 2000))) == (0.01,)


def test_a_stable_slower_than_every_bucket_is_judged_at_the_last_one() -> None:
    assert judged_bounds_s(arm((0.01, 0), (0.02, 0), (math.inf, 2000))) == (0.02,)


def test_what_is_slow_for_the_canary_is_slower_than_what_is_for_stable_by_the_floor() -> None:
    fast = arm(
        (0.005, 1000), (0.01, 1800), (0.02, 1990), (0.04, 2000), (0.08, 2000), (math.inf, 2000)
    )
    bounds = judged_bounds(fast, floor_s=0.025, tolerated=1.25)
    # p50 and p75 share the canary's bound: stable has fewest over the higher one of its two
    assert [tuple(bound) for bound in bounds] == [(0.04, 0.01, 1.25), (0.08, 0.02, 1.25)]


def test_where_the_floor_changes_little_the_odds_that_it_changes_are_tolerated() -> None:
    last = judged_bounds(baseline(BASELINE_REQUESTS), floor_s=0.01, tolerated=1.25)[-1]
    assert (last.canary_s, last.stable_s) == (0.16, 0.16)
    slower_than_150_ms = 10 + 90 * 0.01 / 0.08
    odds = slower_than_150_ms / (1000 - slower_than_150_ms)
    assert last.tolerated == pytest.approx(odds / (10 / 990), rel=0.06)


def test_a_service_whose_requests_are_all_in_one_bucket_is_judged_beyond_the_floor() -> None:
    bounds = [0.005, 0.01, 0.02, 0.04, 0.08, math.inf]
    even = ArmCounters(buckets=tuple((bound, 2000) for bound in bounds))
    assert judged_bounds(even, 0.025, 1.25) == ((0.04, 0.005, 1.25),)


def test_a_stable_slower_than_all_bounds_but_the_floor_is_not_judged() -> None:
    assert judged_bounds(arm((0.01, 2000), (0.02, 2000), (math.inf, 2000)), 0.025, 1.25) == ()


def test_a_floor_that_is_small_beside_the_bounds_changes_nothing() -> None:
    slow = arm((5.0, 500), (10.0, 900), (20.0, 1990), (math.inf, 2000))
    floored, plain = judged_bounds(slow, 0.025, 1.25), judged_bounds(slow, 0.0, 1.25)
    assert [bound[:2] for bound in floored] == [bound[:2] for bound in plain]
    assert [bound.tolerated for bound in floored] == pytest.approx([1.25, 1.25], rel=0.01)


def test_late_is_what_is_slower_than_the_bound_above_stables_p99() -> None:
    assert late_s(baseline(BASELINE_REQUESTS)) == 0.16
    assert late_s(arm((0.1, 980), (0.2, 991), (math.inf, 1000))) == 0.2


@pytest.mark.parametrize(
    "unknown",
    [
        ArmCounters(),
        baseline(BASELINE_REQUESTS - 100),
        arm((0.1, 900), (math.inf, 1000)),  # beyond every bound
    ],
)
def test_nobody_is_late_while_stables_p99_is_not_known(unknown: ArmCounters) -> None:
    assert late_s(unknown) is None


def test_requests_of_a_service_slower_than_the_dropped_polls_take_longer_to_end() -> None:
    assert settle_s(baseline(BASELINE_REQUESTS)) == settle_s(ArmCounters()) == 0
    assert settle_s(arm((5.0, 990), (10.0, 1000), (math.inf, 1000))) == pytest.approx(3)
