"""The share of the requests that ended: a healthy canary has the one that was set."""

import math
from random import Random

import pytest
from scipy.stats import betabinom, binom

from deploytool.canary.observation import ArmCounters, Observation
from deploytool.canary.share import CONCENTRATION, ShareEvidence

ALPHA = 0.01


def block(canary: int, stable: int, share: float | None) -> Observation:
    arms = [ArmCounters(requests={200: n}) for n in (canary, stable)]
    return Observation(seconds=1, canary=arms[0], stable=arms[1], share=share)


def start() -> ShareEvidence:
    return ShareEvidence(limit=1 / ALPHA)


def drawn(random: Random, share: float, requests: int = 100, vanishing: float = 0) -> Observation:
    to_canary = sum(random.random() < share for _ in range(requests))
    vanished = sum(random.random() < vanishing for _ in range(to_canary))
    return block(to_canary - vanished, requests - to_canary, share)


def test_the_evidence_is_a_beta_binomial_beside_the_binomial_of_the_set_share() -> None:
    evidence = start().after(block(7, 93, 0.1)).after(block(2, 98, 0.1))
    prior = (CONCENTRATION * 0.1, CONCENTRATION * 0.9)
    expected = betabinom.logpmf(9, 200, *prior) - binom.logpmf(9, 200, 0.1)
    assert evidence.log_e == pytest.approx(expected)


def test_a_canary_that_never_answers_every_third_request_is_found() -> None:
    found = []
    for seed in range(25):
        random, evidence = Random(seed), start()
        while not evidence.is_reached:
            evidence = evidence.after(drawn(random, 0.1, vanishing=1 / 3))
        found.append(evidence.requests)
    assert sorted(found)[12] <= 1_500
    assert max(found) <= 5_000


def test_shares_as_they_were_set_are_rarely_doubted_over_all_steps() -> None:
    doubted = 0
    for seed in range(300):
        random, evidence, is_doubted = Random(seed), start(), False
        for share in (0.1, 0.25, 0.5):
            for _ in range(40):
                evidence = evidence.after(drawn(random, share))
                is_doubted |= evidence.is_reached
        doubted += is_doubted
    assert doubted <= 8  # one percent of 300, and three standard errors


def test_a_router_that_shares_out_in_turn_is_never_doubted() -> None:
    evidence = start()
    for _ in range(200):
        evidence = evidence.after(block(10, 90, 0.1))
        assert not evidence.is_reached


def test_what_ended_late_makes_up_for_what_was_missing() -> None:
    evidence = start()
    for _ in range(20):
        evidence = evidence.after(block(0, 90, 0.1))
    assert evidence.is_reached
    assert evidence.reached_s == pytest.approx(20, abs=6)
    evidence = evidence.after(block(200, 90, 0.1))
    assert not evidence.is_reached
    assert evidence.reached_s == 0


def test_nothing_is_doubted_where_no_share_was_set() -> None:
    assert start().after(block(0, 1000, None)) == start()
    assert start().log_e == 0


def test_what_was_known_at_one_share_goes_on_at_the_next() -> None:
    evidence = start().after(block(5, 95, 0.1))
    moved = evidence.after(block(25, 75, 0.25))
    alone = start().after(block(25, 75, 0.25))
    assert moved.log_e == pytest.approx(evidence.log_e + alone.log_e)
    assert math.isfinite(moved.log_e)


def test_a_slow_service_gets_the_time_in_which_requests_of_before_end() -> None:
    slow = start().model_copy(update={"settle_s": 3.0}).begun_anew()
    for _ in range(3):
        slow = slow.after(block(10, 90, 0.5))  # they were shared out at the step before
    assert slow.log_e == 0
    assert slow.after(block(48, 52, 0.5)).requests == 100
    assert slow.begun_anew().after(block(10, 90, 0.5)).requests == 0
