"""What a canary is judged by: each metric's share of the level, its limits, and what it finds."""

import math
from random import Random

import pytest

from deploytool.canary.observation import ArmCounters, Pair
from deploytool.canary.verdict import CanaryEvidence, Decision
from tests.deploytool.canary.polls import (
    FAILING,
    HEALTHY,
    POLICY,
    after,
    arm,
    begun,
    lognormal,
    poll,
)


def test_metrics_share_the_level_by_their_weights() -> None:
    evidence = begun(baseline=lognormal(Random(1), 0.04, 2000))
    shares = [1 / each.process.limit for each in evidence.metrics]
    assert shares == pytest.approx([0.007, *[0.00075] * 4])
    assert evidence.log_e == pytest.approx(0)


def test_no_single_block_decides_on_latency() -> None:
    evidence = begun(baseline=lognormal(Random(1), 0.04, 2000))
    huge = poll(arm(5000, latencies=[5.0] * 5000), arm(5000))
    for each in evidence.after(huge).metrics[1:]:
        assert each.process.log_e == pytest.approx(math.log(10))


def test_cash_is_kept_for_later_steps_and_spread_evenly_over_them() -> None:
    def cash(evidence: CanaryEvidence) -> list[float]:
        return [math.exp(metric.process.log_capital[0]) for metric in evidence.metrics]

    evidence = begun((10, 25, 50), lognormal(Random(1), 0.04, 2000))
    assert cash(evidence) == pytest.approx([0.2] * 5)
    assert cash(evidence.at_step(1)) == pytest.approx([0.1] * 5)
    assert cash(evidence.at_step(1).at_step(2)) == cash(evidence.at_step(2)) == [0.0] * 5
    assert set(cash(begun((10,)))) == {0.0}


def test_client_errors_count_only_where_that_is_declared() -> None:
    refused = poll(arm(10, failed=5, code=404), arm(90, failed=1, code=404))
    assert after(begun(), *[refused] * 5).log_e == pytest.approx(0)
    counted = POLICY.model_copy(update={"are_client_errors_counted": True})
    verdict = after(begun(policy=counted), *[refused] * 5).judge(0, 5)
    assert verdict.decision is Decision.ROLLBACK
    assert "by client error, mostly status 404" in verdict.sentence


def sold(count: int, per: int, requests: int) -> ArmCounters:
    return arm(requests).model_copy(
        update={"business": {"sold per offer": Pair(count=count, per=per)}}
    )


SELLING = POLICY.model_copy(update={"business": ("sold per offer",)})


def test_a_canary_that_sells_less_is_rolled_back_though_no_request_fails() -> None:
    evidence = begun(baseline=lognormal(Random(1), 0.04, 2000), policy=SELLING)
    weak = poll(sold(1, 6, 10), sold(50, 52, 90))
    while not evidence.is_rejected:
        evidence = evidence.after(weak)
    verdict = evidence.judge(0, 9)
    assert (verdict.decision, verdict.metric) == (Decision.ROLLBACK, "sold per offer")
    assert verdict.sentence.startswith("sold per offer: ")
    assert "(0.17, 95 % interval " in verdict.sentence
    assert "at the canary against" in verdict.sentence


def test_a_canary_that_sells_more_or_as_much_is_no_worse() -> None:
    for count in (5, 9):
        evidence = begun(policy=SELLING)
        assert after(evidence, *[poll(sold(count, 5, 10), sold(50, 50, 90))] * 60).log_e < 0


def test_a_canary_that_sells_less_is_not_passed_while_so_much_speaks_against_it() -> None:
    evidence = after(begun(policy=SELLING), *[HEALTHY] * 40)
    assert evidence.judge(0, 40).decision is Decision.PROMOTE
    weak = poll(sold(1, 6, 10), sold(50, 52, 90))
    while not evidence.is_doubted:
        evidence = evidence.after(weak)
    assert 20 <= evidence.figures().e_value < 100
    verdict = evidence.judge(0, 50)
    assert (verdict.decision, verdict.metric) == (Decision.CONTINUE, "sold per offer")
    assert verdict.sentence.startswith("sold per offer: ")
    assert verdict.sentence.endswith(" of 100: no step is passed unless below 20")
    assert evidence.judge(0, 600).decision is Decision.HOLD


def test_a_canary_that_was_doubted_by_chance_is_passed_after_all() -> None:
    evidence = after(begun(policy=SELLING), *[HEALTHY] * 40)
    while not evidence.is_doubted:
        evidence = evidence.after(poll(sold(1, 6, 10), sold(50, 52, 90)))
    while evidence.is_doubted:
        evidence = evidence.after(poll(sold(5, 5, 10), sold(50, 50, 90)))
    assert evidence.judge(0, 100).decision is Decision.PROMOTE


def test_business_metrics_get_their_share_of_the_level() -> None:
    evidence = begun(baseline=lognormal(Random(1), 0.04, 2000), policy=SELLING)
    shares = [1 / each.process.limit for each in evidence.metrics]
    assert shares == pytest.approx([0.0056, *[0.0006] * 4, 0.002])
    assert evidence.log_e == pytest.approx(0)


def test_where_failures_come_together_both_verdicts_ask_for_more() -> None:
    clustered = POLICY.model_copy(update={"cluster_size": 3})
    proved, alone = begun(policy=clustered), begun()
    failing = poll(arm(100, failed=50), arm(900))
    growth = [each.after(failing).metrics[0].process.log_e for each in (proved, alone)]
    assert growth == pytest.approx([math.log(4.65), math.log(10)], abs=0.2)
    for _ in range(60):
        proved, alone = proved.after(HEALTHY), alone.after(HEALTHY)
    assert proved.promotion.log_e == pytest.approx([e / 5 for e in alone.promotion.log_e])


def test_a_business_metric_that_was_never_seen_is_named() -> None:
    verdict = after(begun(policy=SELLING), *[HEALTHY] * 40).judge(0, 40)
    assert verdict.decision is Decision.PROMOTE
    assert verdict.sentence.endswith("; sold per offer was not judged: a version counted no event")


@pytest.mark.parametrize(
    ("load_ratio", "decision"), [(1.0, Decision.ROLLBACK), (2.0, Decision.PROMOTE)]
)
def test_latency_is_not_judged_where_the_canary_has_more_to_do_than_stable(
    load_ratio: float, decision: Decision
) -> None:
    slower = poll(arm(50, latencies=[0.08] * 50), arm(50)).model_copy(
        update={"load_ratio": load_ratio}
    )
    verdict = after(begun((50,)), *[slower] * 60).judge(0, 60)
    assert verdict.decision is decision
    is_told = "carried 2.0 times the load of stable's: latency was not judged" in verdict.sentence
    assert is_told == (decision is Decision.PROMOTE)


def test_a_canary_that_fails_is_rolled_back_however_much_it_has_to_do() -> None:
    failing = FAILING.model_copy(update={"load_ratio": 9.0})
    assert after(begun(), *[failing] * 10).judge(0, 10).decision is Decision.ROLLBACK
