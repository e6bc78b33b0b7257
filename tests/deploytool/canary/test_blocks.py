from hypothesis import given
from hypothesis import strategies as st

from deploytool.canary.blocks import Blocks
from deploytool.canary.observation import NOTHING, ArmCounters, Observation, Reset


def poll(stable: int, canary: int = 0, failed: int = 0) -> Observation:
    return Observation(
        seconds=1,
        stable=ArmCounters(requests={200: stable}),
        canary=ArmCounters(requests={200: canary, 500: failed}),
    )


def finished(blocks: Blocks, *polls: Observation | Reset) -> tuple[Blocks, list[int]]:
    sizes = []
    for each in polls:
        blocks, block = blocks.after(each)
        if block is not None:
            sizes.append(block.requests)
    return blocks, sizes


def test_polls_are_merged_until_both_arms_have_enough_requests_together() -> None:
    blocks, sizes = finished(Blocks(least_requests=50), poll(30, 3), poll(14, 2), poll(1), poll(80))
    assert sizes == [50, 80]
    assert blocks.pending.requests == 0


@given(st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80), st.integers(0, 5))))
def test_no_request_is_lost_or_counted_twice(polls: list[tuple[int, int, int]]) -> None:
    observations = [poll(*each) for each in polls]
    blocks, sizes = finished(Blocks(least_requests=50), *observations)
    assert sum(sizes) + blocks.pending.requests == sum(sum(each) for each in polls)
    assert all(size >= 50 for size in sizes)
    assert blocks.pending.requests < 50


@given(st.integers(0, 5), st.integers(0, 49))
def test_where_a_block_ends_does_not_depend_on_failures(failed: int, requests: int) -> None:
    healthy = finished(Blocks(least_requests=50), poll(requests, 10), poll(50, 5))[1]
    failing = finished(Blocks(least_requests=50), poll(requests, 10 - failed, failed), poll(50, 5))
    assert healthy == failing[1]


def test_a_weight_change_drops_the_unfinished_block_and_the_next_polls() -> None:
    blocks, _ = finished(Blocks(least_requests=50), poll(40))
    blocks, sizes = finished(blocks.dropping(2), poll(60), poll(60), poll(60))
    assert sizes == [60]
    assert blocks.dropped_polls == 2


def test_warm_up_and_weight_change_together_drop_the_longer_of_both() -> None:
    blocks = Blocks(least_requests=50, polls_to_drop=3).dropping(2)
    assert finished(blocks, *[poll(60)] * 4)[1] == [60]


def test_a_reset_drops_its_poll_and_keeps_the_unfinished_block() -> None:
    blocks, sizes = finished(
        Blocks(least_requests=50), poll(40), Reset(reason="restart"), poll(5), poll(7)
    )
    assert sizes == [52]
    assert blocks.dropped_polls == 1


def test_polls_that_find_the_same_counters_are_not_what_is_to_be_dropped() -> None:
    same = NOTHING
    blocks = Blocks(least_requests=50).dropping(2)
    blocks, sizes = finished(blocks, same, poll(60), same, same, poll(60), same, poll(55), same)
    assert sizes == [55]
    assert blocks.dropped_polls == 2
