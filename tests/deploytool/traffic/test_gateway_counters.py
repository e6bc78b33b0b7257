"""The sum over the pods of a gateway: it grows, whichever of them come and go."""

import math
from collections.abc import Collection, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploytool.canary.difference import difference
from deploytool.canary.observation import ArmCounters, Observation, Snapshot
from deploytool.traffic.gateway_counters import GatewayCounters, Taken
from deploytool.traffic.metrics import GatewayScrape
from deploytool.traffic.traefik_file import Arm

BOUNDS = (0.005, 0.05, math.inf)
NOTHING = ArmCounters()
Arms = dict[Arm, ArmCounters]


def arm(ok: int, failed: int = 0) -> ArmCounters:
    total = ok + failed
    buckets = tuple(zip(BOUNDS, (0, ok, total), strict=True)) if total else ()
    return ArmCounters(requests={200: ok, 500: failed}, buckets=buckets)


def both(stable: int, canary: int) -> Arms:
    return {"stable": arm(stable), "canary": arm(canary)}


def look(
    counters: GatewayCounters,
    read: Mapping[str, Arms],
    at: float,
    *,
    empty: Collection[Arm] = (),
    unserved: int = 0,
) -> Snapshot:
    """Take a snapshot. unserved: of each pod."""
    scrapes = {pod: GatewayScrape(counted, unserved) for pod, counted in read.items()}
    return counters.snapshot(scrapes, empty, Taken.at(at))


arms = st.builds(arm, st.integers(0, 20), st.integers(0, 3))
requests = st.fixed_dictionaries({"stable": arms, "canary": arms})
# What befalls a pod between two looks: what it counts, whether it starts again before, whether it
# can be read.
Fate = tuple[Arms, bool, bool]
fates = st.tuples(requests, st.booleans(), st.booleans())
looks = st.lists(st.tuples(fates, fates, fates), min_size=1, max_size=8)
Looks = list[tuple[Fate, Fate, Fate]]


class Pod:
    """A pod that counts from zero again whenever it is started."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._starts = 0
        self.counted: Arms = {"stable": NOTHING, "canary": NOTHING}

    @property
    def key(self) -> str:
        return f"{self._name} {self._starts}"

    def live(self, more: Arms, starts_again: bool) -> None:
        if starts_again:
            self._starts += 1
            self.counted = {"stable": NOTHING, "canary": NOTHING}
        self.counted = {each: self.counted[each].plus(more[each]) for each in more}


def three_pods() -> list[Pod]:
    return [Pod(f"edge-{n}") for n in range(3)]


def total(counted: Sequence[ArmCounters]) -> ArmCounters:
    found = NOTHING
    for each in counted:
        found = found.plus(each)
    return found


def test_the_counters_of_all_pods_are_summed_by_arm() -> None:
    read = {"edge-1 a": both(90, 10), "edge-2 b": both(30, 0)}
    snapshot = look(GatewayCounters(), read, 5.0)
    assert snapshot.taken_at == 5.0
    assert (snapshot.stable.requests[200], snapshot.stable.timed) == (120, 120)
    assert (snapshot.canary.requests[200], snapshot.canary.timed) == (10, 10)


def test_a_gateway_without_pods_or_requests_has_counted_nothing() -> None:
    silent: dict[str, Arms] = {"edge-1 a": {}}
    for read in ({}, silent):
        snapshot = look(GatewayCounters(), read, 0)
        assert (snapshot.stable, snapshot.canary) == (NOTHING, NOTHING)


def test_what_a_pod_has_counted_stays_when_it_is_gone_and_counts_once_when_it_is_back() -> None:
    counters = GatewayCounters()
    look(counters, {"edge-1 a": both(90, 10), "edge-2 b": both(30, 0)}, 0)
    gone = look(counters, {"edge-1 a": both(95, 11)}, 1)
    assert (gone.stable.requests[200], gone.canary.requests[200]) == (125, 11)
    back = look(counters, {"edge-1 a": both(95, 11), "edge-2 b": both(40, 2)}, 2)
    assert (back.stable.requests[200], back.canary.requests[200]) == (135, 13)


def test_a_pod_that_starts_again_counts_on_top_of_what_it_had_counted() -> None:
    counters = GatewayCounters()
    look(counters, {"edge-1 a": both(90, 10)}, 0)
    snapshot = look(counters, {"edge-1 b": both(5, 1)}, 1)
    assert (snapshot.stable.requests[200], snapshot.canary.requests[200]) == (95, 11)


@given(looks)
def test_pods_that_vanish_or_start_again_never_make_the_sum_fall(looks: Looks) -> None:
    counters, pods = GatewayCounters(), three_pods()
    before = look(counters, {}, 0)
    for at, fates in enumerate(looks, start=1):
        read: dict[str, Arms] = {}
        for pod, (more, starts_again, is_read) in zip(pods, fates, strict=True):
            pod.live(more, starts_again)
            if is_read:
                read[pod.key] = pod.counted
        after = look(counters, read, at)
        assert isinstance(difference(before, after), Observation)
        before = after


@given(looks)
def test_of_pods_that_are_read_each_time_nothing_is_lost_or_counted_twice(looks: Looks) -> None:
    counters, pods = GatewayCounters(), three_pods()
    happened: list[Arms] = []
    for at, fates in enumerate(looks):
        for pod, (more, starts_again, _) in zip(pods, fates, strict=True):
            pod.live(more, starts_again)
            happened.append(more)
        snapshot = look(counters, {pod.key: pod.counted for pod in pods}, at)
        assert snapshot.stable == total([each["stable"] for each in happened])
        assert snapshot.canary == total([each["canary"] for each in happened])


ONE = {"edge-1 a": both(90, 10)}


@pytest.mark.parametrize("arm", ["stable", "canary"])
def test_what_nobody_served_is_the_failure_of_the_arm_without_backends(arm: Arm) -> None:
    counters = GatewayCounters()
    before = look(counters, ONE, 0, unserved=7)
    after = look(counters, ONE, 1, unserved=12, empty=[arm])
    period = difference(before, after)
    assert isinstance(period, Observation)
    failed = {"stable": period.stable.failed(), "canary": period.canary.failed()}
    assert failed == {**dict.fromkeys(failed, 0), arm: 5}


def test_backends_that_have_come_back_meanwhile_are_blamed_for_the_time_before() -> None:
    counters = GatewayCounters()
    look(counters, ONE, 0, empty=["canary"])
    assert look(counters, ONE, 1, unserved=3).canary.failed() == 3
    assert look(counters, ONE, 2, unserved=3).canary.failed() == 3


@pytest.mark.parametrize("empty", [(), ("stable", "canary")])
def test_where_nobody_can_tell_whose_the_requests_were_nobody_is_blamed(
    empty: Collection[Arm],
) -> None:
    counters = GatewayCounters()
    before = look(counters, ONE, 0)
    after = look(counters, ONE, 1, unserved=9, empty=empty)
    assert (after.stable, after.canary) == (before.stable, before.canary)


def later(
    counters: GatewayCounters,
    unserved: int,
    taken_at: float,
    looked_at: float,
    *,
    empty: Collection[Arm] = (),
) -> Snapshot:
    """Look at one pod's counters that were taken earlier."""
    scrapes = {"edge-1 a": GatewayScrape(ONE["edge-1 a"], unserved)}
    return counters.snapshot(scrapes, empty, Taken(taken_at, taken_at, looked_at))


def test_counters_that_come_late_have_the_time_at_which_they_were_taken() -> None:
    counters = GatewayCounters()
    before = later(counters, 0, 10, 14)
    for taken_at, looked_at, seconds in ((10, 20, 0), (25, 31, 15)):
        period = difference(before, later(counters, 0, taken_at, looked_at))
        assert isinstance(period, Observation)
        assert (period.requests, period.seconds) == (0, seconds)


def test_an_arm_that_was_empty_is_blamed_once_the_counters_have_caught_up() -> None:
    counters = GatewayCounters()
    later(counters, 0, 10, 11)
    later(counters, 0, 10, 12, empty=["canary"])
    later(counters, 0, 10, 13)
    later(counters, 0, 10, 14)
    assert later(counters, 4, 13, 15).canary.failed() == 4


def test_an_arm_that_is_empty_since_is_not_blamed_for_the_time_before() -> None:
    counters = GatewayCounters()
    later(counters, 0, 10, 11)
    later(counters, 0, 10, 12)
    later(counters, 0, 10, 13)
    assert later(counters, 4, 12, 20, empty=["canary"]).canary.failed() == 0


def test_the_sum_does_not_grow_younger_when_the_pod_with_the_latest_counters_goes() -> None:
    counters = GatewayCounters()
    counters.snapshot({}, (), Taken(4, 9, 10))
    assert counters.snapshot({}, (), Taken(4, 4, 11)).taken_at == 9


# Each tick: whether the canary is empty, how many requests come, whether counters are taken now,
# whether somebody looks now at those that were taken last.
ticks = st.lists(
    st.tuples(st.booleans(), st.integers(0, 3), st.booleans(), st.integers(0, 4)), max_size=30
)


@given(ticks)
def test_all_that_an_empty_arm_left_unserved_is_blamed_on_it_however_late_it_is_known(
    ticks: list[tuple[bool, int, bool, int]],
) -> None:
    counters = GatewayCounters()
    later(counters, 0, 0, 0)
    unserved, taken, known, was_empty = 0, 0, 0, False
    for now, (is_empty, requests, is_taken, looks) in enumerate(ticks, start=1):
        # What ends in this tick was sent while the arm was as it was at one of its two ends.
        unserved += requests if is_empty or was_empty else 0
        if is_taken:
            taken, known = now, unserved
        # Any number of looks at the same counters, but one at the end of each tick.
        for _ in range(looks + 1):
            snapshot = later(counters, known, taken, now, empty=["canary"] if is_empty else [])
        assert snapshot.canary.failed() == known
        was_empty = is_empty
    end = len(ticks) + 1
    assert later(counters, unserved, end, end).canary.failed() == unserved
