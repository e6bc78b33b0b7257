import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from deploytool.canary.difference import difference
from deploytool.canary.observation import (
    NOBODY_IS_LATE,
    NOTHING,
    ArmCounters,
    Observation,
    Pair,
    Reset,
    Snapshot,
    Table,
)

BOUNDS = (0.005, 0.05, math.inf)
counts = st.integers(0, 1000)


@st.composite
def arms(draw: st.DrawFn) -> ArmCounters:
    codes = draw(st.dictionaries(st.sampled_from([0, 200, 404, 499, 500, 503]), counts))
    in_buckets = draw(st.tuples(counts, counts, counts))
    cumulative = [sum(in_buckets[: i + 1]) for i in range(3)]
    return ArmCounters(requests=codes, buckets=tuple(zip(BOUNDS, cumulative, strict=True)))


def snapshot(at: float, stable: ArmCounters, canary: ArmCounters) -> Snapshot:
    return Snapshot(taken_at=at, stable=stable, canary=canary)


def test_server_errors_and_missing_answers_are_failures_and_client_errors_are_not() -> None:
    arm = ArmCounters(requests={0: 1, 200: 10, 404: 2, 500: 3, 503: 4, 599: 5, 600: 6})
    assert arm.failures() == {0: 1, 500: 3, 503: 4, 599: 5}
    assert (arm.failed(), arm.answered) == (13, 31)


GIVEN_UP = ArmCounters(
    requests={200: 10, 499: 5},
    buckets=((0.005, 10), (0.05, 12), (math.inf, 15)),
    gave_up=((0.005, 0), (0.05, 2), (math.inf, 5)),
)


def test_a_client_that_gave_up_soon_is_neither_failure_nor_success_but_is_slow() -> None:
    assert (GIVEN_UP.answered, GIVEN_UP.ended, GIVEN_UP.failed()) == (10, 15, 0)
    assert (GIVEN_UP.judged(NOBODY_IS_LATE), GIVEN_UP.gave_up_soon(NOBODY_IS_LATE)) == (10, 5)
    assert (GIVEN_UP.timed, GIVEN_UP.slower_than(0.05)) == (15, 3)


def test_a_client_that_gave_up_late_met_a_failure() -> None:
    assert GIVEN_UP.failures(0.05) == {499: 3}
    assert GIVEN_UP.judged(0.05) == 13
    assert (GIVEN_UP.gave_up_late(0.05), GIVEN_UP.gave_up_soon(0.05)) == (3, 2)
    seen = Observation(seconds=1, stable=ArmCounters(requests={200: 90}), canary=GIVEN_UP)
    assert seen.errors(0.05) == Table(13, 3, 90, 0)
    assert seen.errors() == Table(10, 0, 90, 0)


def test_where_nobody_knows_how_long_a_wait_is_usual_each_client_that_gave_up_met_a_failure() -> (
    None
):
    assert GIVEN_UP.failures(None) == {499: 5}
    assert (GIVEN_UP.gave_up_late(None), GIVEN_UP.gave_up_soon(None)) == (5, 0)
    seen = Observation(seconds=1, stable=ArmCounters(requests={200: 90}), canary=GIVEN_UP)
    assert seen.errors(None) == Table(15, 5, 90, 0)


def test_client_errors_count_among_answers_and_redirects_among_them_and_successes() -> None:
    canary = ArmCounters(requests={200: 5, 304: 1, 302: 4, 404: 3, 500: 2, 499: 9})
    seen = Observation(seconds=1, stable=ArmCounters(requests={200: 90}), canary=canary)
    assert seen.client_errors() == Table(15, 3, 90, 0)
    assert seen.redirects() == Table(10, 4, 90, 0)


def test_the_share_of_a_period_is_known_if_it_was_the_same_all_the_time() -> None:
    counted = ArmCounters(requests={200: 5})

    def seen(before: float | None, after: float | None) -> Observation:
        looks = [snapshot(0, ArmCounters(), ArmCounters()), snapshot(1, counted, counted)]
        first, last = (
            look.model_copy(update={"share": share})
            for look, share in zip(looks, (before, after), strict=True)
        )
        found = difference(first, last)
        assert isinstance(found, Observation)
        return found

    assert seen(0.1, 0.1).share == 0.1
    assert seen(0.1, 0.2).share is None
    assert seen(0.1, 0.1).plus(seen(0.2, 0.2)).share is None
    assert NOTHING.plus(seen(0.1, 0.1)).plus(seen(0.1, 0.1)).share == 0.1


def test_answers_as_expected_are_counted_like_events_of_a_business_metric() -> None:
    def arm(right: int, wrong: int) -> ArmCounters:
        return ArmCounters(expected=Pair(count=right, per=wrong))

    first, last = snapshot(0, arm(90, 1), arm(5, 0)), snapshot(1, arm(180, 1), arm(11, 4))
    seen = difference(first, last)
    assert isinstance(seen, Observation)
    assert seen.unexpected() == Table(10, 4, 90, 0)
    assert seen.plus(seen).unexpected() == Table(20, 8, 180, 0)
    again = difference(last, snapshot(2, arm(10, 0), arm(12, 4)))  # the load began anew
    assert isinstance(again, Observation)
    assert again.unexpected() == Table(0, 0, 0, 0)


def test_a_bound_that_the_router_does_not_count_is_refused() -> None:
    arm = ArmCounters(buckets=((0.005, 1), (math.inf, 1)))
    with pytest.raises(ValueError, match=r"no latency bucket of 0\.1 s"):
        arm.slower_than(0.1)
    assert ArmCounters().slower_than(0.1) == 0  # no request, no series yet


@pytest.mark.parametrize(
    "buckets",
    [
        ((0.005, 1),),  # no +Inf
        ((0.05, 1), (0.005, 1), (math.inf, 1)),
        ((0.005, 3), (0.05, 1), (math.inf, 3)),
    ],
)
def test_buckets_that_are_not_cumulative_are_refused(
    buckets: tuple[tuple[float, int], ...],
) -> None:
    with pytest.raises(ValidationError):
        ArmCounters(buckets=buckets)


@settings(max_examples=40)
@given(arms(), arms(), arms(), arms(), arms(), arms())
def test_two_polls_joined_are_the_difference_over_both(
    s0: ArmCounters,
    s1: ArmCounters,
    s2: ArmCounters,
    c0: ArmCounters,
    c1: ArmCounters,
    c2: ArmCounters,
) -> None:
    first = snapshot(0, s0, c0)
    second = snapshot(1, s0.plus(s1), c0.plus(c1))
    third = snapshot(3, s0.plus(s1).plus(s2), c0.plus(c1).plus(c2))
    earlier, later = difference(first, second), difference(second, third)
    assert isinstance(earlier, Observation)
    assert isinstance(later, Observation)
    whole = difference(first, third)
    assert isinstance(whole, Observation)
    for joined in (earlier.plus(later), later.plus(earlier)):
        assert joined.seconds == whole.seconds == 3
        assert joined.errors() == whole.errors()
        assert joined.slower_than(0.05) == whole.slower_than(0.05)
        assert joined.canary.failures() == whole.canary.failures()


@settings(max_examples=40)
@given(arms(), arms(), st.sampled_from(["stable", "canary"]), st.data())
def test_a_counter_that_falls_in_one_arm_voids_the_poll_for_both(
    stable: ArmCounters, canary: ArmCounters, fallen: str, data: st.DataObject
) -> None:
    before = {"stable": stable, "canary": canary}
    after = dict(before)
    code = data.draw(st.sampled_from([200, 500]))
    was = before[fallen].requests.get(code, 0) + 1
    before[fallen] = before[fallen].plus(ArmCounters(requests={code: 1}))
    now = data.draw(st.integers(0, was - 1))
    after[fallen] = before[fallen].model_copy(
        update={"requests": {**before[fallen].requests, code: now}}
    )
    result = difference(snapshot(0, **before), snapshot(1, **after))
    assert isinstance(result, Reset)
    assert fallen in result.reason


def test_counters_that_vanished_or_have_other_buckets_void_the_poll() -> None:
    counted = ArmCounters(requests={200: 5}, buckets=((0.005, 5), (math.inf, 5)))
    other = ArmCounters(requests={200: 6}, buckets=((0.01, 6), (math.inf, 6)))
    for after in (ArmCounters(), other):
        assert isinstance(
            difference(snapshot(0, counted, counted), snapshot(1, counted, after)), Reset
        )


def test_the_first_request_of_an_arm_is_counted_from_zero() -> None:
    counted = ArmCounters(requests={200: 5}, buckets=((0.005, 3), (math.inf, 5)))
    seen = difference(snapshot(0, counted, ArmCounters()), snapshot(1, counted, counted))
    assert isinstance(seen, Observation)
    assert seen.errors() == Table(5, 0, 0, 0)
    assert seen.slower_than(0.005) == Table(5, 2, 0, 0)


@settings(max_examples=40)
@given(arms(), arms())
def test_a_snapshot_survives_being_saved(stable: ArmCounters, canary: ArmCounters) -> None:
    taken = snapshot(1.5, stable, canary)
    assert Snapshot.model_validate_json(taken.model_dump_json()) == taken


def counted(count: int, per: int) -> ArmCounters:
    return ArmCounters(business={"sold": Pair(count=count, per=per)})


def test_business_events_are_counted_between_two_looks_and_those_of_per_are_hits() -> None:
    seen = difference(
        snapshot(0, counted(100, 200), counted(0, 0)), snapshot(1, counted(104, 207), counted(1, 3))
    )
    assert isinstance(seen, Observation)
    assert seen.events("sold") == Table(4, 3, 11, 7)
    assert seen.events("another") == Table(0, 0, 0, 0)
    assert seen.plus(seen).events("sold") == Table(8, 6, 22, 14)


@pytest.mark.parametrize("stable", [counted(3, 1), counted(5, 0), ArmCounters()])
def test_a_backend_that_restarted_leaves_its_events_out_for_both_arms(stable: ArmCounters) -> None:
    seen = difference(snapshot(0, counted(5, 1), counted(2, 2)), snapshot(1, stable, counted(9, 9)))
    assert isinstance(seen, Observation)
    assert seen.events("sold") == Table(0, 0, 0, 0)


def test_a_canary_that_never_tells_its_events_has_none_beside_stables() -> None:
    """A single look that it misses leaves out both arms' events: they would not be of one time."""
    looks = [
        snapshot(0, counted(5, 1), counted(2, 2)),
        snapshot(1, counted(9, 1), ArmCounters()),
        snapshot(2, counted(14, 3), ArmCounters()),
        snapshot(3, counted(15, 3), counted(4, 2)),
    ]
    seen = [difference(*pair) for pair in pairwise(looks)]
    nothing = Table(0, 0, 0, 0)
    found = [each.events("sold") for each in seen if isinstance(each, Observation)]
    assert found == [nothing, Table(0, 0, 7, 2), nothing]


def test_a_period_has_the_greatest_load_that_the_canary_had_in_it() -> None:
    looks = [
        Snapshot(taken_at=at, stable=ArmCounters(), canary=ArmCounters(), load_ratio=ratio)
        for at, ratio in enumerate((1.0, 2.0, 1.0, 1.0))
    ]
    periods = [difference(*pair) for pair in pairwise(looks)]
    found = [each for each in periods if isinstance(each, Observation)]
    assert [each.load_ratio for each in found] == [2.0, 2.0, 1.0]
    assert found[2].plus(found[0]).load_ratio == 2.0
