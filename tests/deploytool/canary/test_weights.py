"""The weights on a simulated round robin: earliest deadline first, as Traefik picks a backend."""

from functools import cache
from math import gcd
from random import Random

import pytest

from deploytool.canary.evidence import RollbackProcess
from deploytool.canary.observation import Table
from deploytool.canary.weights import load_ratio, router_weights

BLOCK = 50


@cache
def picks(stable: int, canary: int, requests: int) -> tuple[bool, ...]:
    """Return for each request whether the canary gets it."""
    stable_next, canary_next, to_canary = 1 / stable, 1 / canary, []
    for _ in range(requests):
        is_canary = canary_next < stable_next
        to_canary.append(is_canary)
        if is_canary:
            canary_next += 1 / canary
        else:
            stable_next += 1 / stable
    return tuple(to_canary)


def unevenness(weights: tuple[int, int], cycle: int, block: int = BLOCK) -> float:
    """Compare the canary's count of each kind of request with a random router's: 1 is chance."""
    to_canary = picks(*weights, 5000)
    squares = []
    for begin in range(0, len(to_canary), block):
        taken = to_canary[begin : begin + block]
        n_c = sum(taken)
        for kind in range(cycle):
            of_kind = taken[(kind - begin) % cycle :: cycle]
            share = len(of_kind) / block
            variance = n_c * share * (1 - share) * (block - n_c) / (block - 1)
            if variance:
                squares.append((sum(of_kind) - n_c * share) ** 2 / variance)
    return sum(squares) / len(squares)


def is_rolled_back(weights: tuple[int, int], cycle: int, seed: int) -> bool:
    """Canary a healthy version with traffic of which one kind in the cycle fails at 5 %."""
    random = Random(seed)
    process = RollbackProcess.start(
        multiples=(2, 5, 20), prior=(0.25, 0.5, 0.25), limit=100, cap=10
    )
    to_canary = picks(*weights, 10_000)
    failing_kind = random.randrange(cycle)
    for begin in range(0, len(to_canary), BLOCK):
        n_c = sum(to_canary[begin : begin + BLOCK])
        failed = [
            to_canary[at]
            for at in range(begin + (failing_kind - begin) % cycle, begin + BLOCK, cycle)
            if random.random() < 0.05
        ]
        process = process.after(Table(n_c, sum(failed), BLOCK - n_c, len(failed) - sum(failed)))
    return process.is_rejected


def test_no_and_all_requests_are_exact() -> None:
    assert router_weights(0) == (100, 0)
    assert router_weights(100) == (0, 100)


@pytest.mark.parametrize("percent", [-1, 101])
def test_what_is_no_percentage_is_refused(percent: int) -> None:
    with pytest.raises(ValueError, match="0-100 percent"):
        router_weights(percent)


def test_weights_are_near_the_percentage_rise_with_it_and_mirror_at_half() -> None:
    shares = []
    for percent in range(1, 51):
        stable, canary = router_weights(percent)
        assert gcd(stable, canary) == 1
        assert router_weights(100 - percent) in {(canary, stable), (stable, canary)}
        shares.append(100 * canary / (stable + canary))
        assert shares[-1] == pytest.approx(percent, abs=1.6)
    assert shares == sorted(shares)
    assert router_weights(90) == (1031, 9049)


@pytest.mark.parametrize("percent", range(1, 51))
def test_every_cycle_is_spread_over_both_arms(percent: int) -> None:
    weights = router_weights(percent)
    for block in (50, 500):
        assert max(unevenness(weights, cycle, block) for cycle in range(2, 21)) < 5.5


def test_round_percentages_would_beat_with_cycles() -> None:
    assert unevenness((90, 10), 10, block=500) > 50
    assert unevenness((50, 50), 2) > 40
    assert unevenness((907, 101), 10, block=500) > 40  # prime, but drifts too slowly


@pytest.mark.parametrize("cycle", [2, 5, 10, 20])
def test_a_healthy_canary_survives_traffic_in_a_fixed_cycle(cycle: int) -> None:
    for percent in (10, 50):
        rolled_back = sum(
            is_rolled_back(router_weights(percent), cycle, seed) for seed in range(25)
        )
        assert rolled_back <= 2


def test_round_percentages_would_roll_back_healthy_canaries() -> None:
    assert sum(is_rolled_back((50, 50), 2, seed) for seed in range(25)) > 5


@pytest.mark.parametrize(
    ("percent", "stable", "canary", "ratio"),
    [(50, 2, 1, 2.0), (50, 2, 2, 1.0), (10, 9, 1, 1.0), (25, 9, 1, 3.0), (75, 1, 1, 3.0),
     (0, 2, 1, 1.0), (100, 2, 1, 1.0), (50, 0, 1, 0.0), (50, 2, 0, 2.0)],
)  # fmt: skip
def test_who_has_fewer_processes_than_its_share_needs_gives_each_more_to_do(
    percent: int, stable: int, canary: int, ratio: float
) -> None:
    assert load_ratio(percent, stable, canary) == pytest.approx(ratio)
