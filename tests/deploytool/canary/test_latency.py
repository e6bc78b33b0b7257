import math

import pytest

from deploytool.canary.latency import BASELINE_REQUESTS, judged_bounds_s, quantile_s
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
