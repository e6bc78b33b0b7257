"""What a canary is judged by: each metric's share of the level, its limits, and what it finds."""

import math
from random import Random

import pytest

from deploytool.canary.metric import MetricKind
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
    assert shares == pytest.approx([0.0065, *[0.000625] * 4, 0.0007, 0.0003])
    assert evidence.log_e == pytest.approx(0)


def test_no_single_block_decides_on_latency() -> None:
    evidence = begun(baseline=lognormal(Random(1), 0.04, 2000))
    huge = poll(arm(5000, latencies=[5.0] * 5000), arm(5000))
    slow = [each for each in evidence.after(huge).metrics if each.kind is MetricKind.LATENCY]
    assert len(slow) == 4
    for each in slow:
        assert each.process.log_e == pytest.approx(math.log(10))


def test_cash_is_kept_for_later_steps_and_spread_evenly_over_them() -> None:
    def cash(evidence: CanaryEvidence) -> list[float]:
        return [math.exp(metric.process.log_capital[0]) for metric in evidence.metrics]

    evidence = begun((10, 25, 50), lognormal(Random(1), 0.04, 2000))
    assert cash(evidence) == pytest.approx([0.2] * 7)
    assert cash(evidence.at_step(1)) == pytest.approx([0.1] * 7)
    assert cash(evidence.at_step(1).at_step(2)) == cash(evidence.at_step(2)) == [0.0] * 7
    assert set(cash(begun((10,)))) == {0.0}


def test_a_canary_that_answers_404_to_all_but_its_smoke_path_is_gone_after_four_polls() -> None:
    refusing = poll(arm(10, failed=9, code=404), arm(90, failed=1, code=404))
    verdict = after(begun(), *[refusing] * 4).judge(0, 4)
    assert (verdict.decision, verdict.metric) == (Decision.ROLLBACK, "client errors")
    assert verdict.sentence.startswith(
        "client errors: 36 of 40 canary requests were answered 4xx (90 %, 95 % interval "
    )
    assert "; mostly status 404; evidence 101 reached its limit of 100" in verdict.sentence


def test_client_errors_are_no_failures_and_keep_nobody_from_being_promoted() -> None:
    alike = poll(arm(10, failed=3, code=404), arm(90, failed=27, code=404))
    verdict = after(begun(), *[alike] * 40).judge(0, 40)
    assert verdict.decision is Decision.PROMOTE
    assert verdict.sentence.startswith("errors: 0 of 400 (0 %) canary requests failed")
    assert verdict.figures.at_step.canary.client_errors == 120


def test_client_errors_are_not_judged_where_a_version_changes_them_on_purpose() -> None:
    ignoring = POLICY.model_copy(update={"client_errors": "ignore"})
    refusing = poll(arm(10, failed=9, code=404), arm(90, failed=1, code=404))
    evidence = after(begun(policy=ignoring), *[refusing] * 40)
    assert MetricKind.CLIENT_ERRORS not in [each.kind for each in evidence.metrics]
    assert evidence.judge(0, 40).decision is Decision.PROMOTE


def test_a_canary_that_redirects_where_stable_answers_is_rolled_back() -> None:
    sending_away = poll(arm(10, failed=9, code=302), arm(90))
    verdict = after(begun(), *[sending_away] * 4).judge(0, 4)
    assert (verdict.decision, verdict.metric) == (Decision.ROLLBACK, "redirects")
    assert "36 of 40 canary requests were redirected" in verdict.sentence
    assert "; mostly status 302; " in verdict.sentence


def test_redirects_of_both_versions_are_nobodys_fault() -> None:
    alike = poll(arm(10, failed=5, code=302), arm(90, failed=45, code=302))
    assert after(begun(), *[alike] * 40).judge(0, 40).decision is Decision.PROMOTE


CHECKED = POLICY.model_copy(update={"are_answers_checked": True})


def looked_at(requests: int, wrong: int) -> ArmCounters:
    expected = Pair(count=requests - wrong, per=wrong)
    return arm(requests).model_copy(update={"expected": expected})


def test_a_canary_whose_answers_are_not_as_expected_is_rolled_back_though_none_failed() -> None:
    evidence, polls = begun(policy=CHECKED), 0
    while not evidence.is_rejected:
        evidence = evidence.after(poll(looked_at(10, 2), looked_at(90, 0)))
        polls += 1
    assert polls <= 6
    verdict = evidence.judge(0, polls)
    assert (verdict.decision, verdict.metric) == (Decision.ROLLBACK, "answers as expected")
    assert verdict.sentence.startswith(
        f"answers as expected: {2 * polls} of {10 * polls} answers of the canary were not as"
        " expected (status, body) (20 %, 95 % interval "
    )
    assert f" against 0 of {90 * polls} of stable (0 %" in verdict.sentence


def test_checked_answers_have_a_share_of_the_level_only_where_there_are_any() -> None:
    limits = [1 / each.process.limit for each in begun(policy=CHECKED).metrics]
    assert limits == pytest.approx([0.00585, 0.00225, 0.00063, 0.00027, 0.001])
    assert sum(1 / each.process.limit for each in begun().metrics) == pytest.approx(0.01)


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
    assert shares == pytest.approx([0.0052, *[0.0005] * 4, 0.00056, 0.00024, 0.002])
    assert evidence.log_e == pytest.approx(0)


def test_where_failures_come_together_both_verdicts_ask_for_more() -> None:
    clustered = POLICY.model_copy(update={"cluster_size": 3})
    proved, alone = begun(policy=clustered), begun()
    failing = poll(arm(100, failed=50), arm(900))
    growth = [each.after(failing).metrics[0].process.log_e for each in (proved, alone)]
    assert growth == pytest.approx([math.log(4.65), math.log(10)], abs=0.25)
    for _ in range(60):
        proved, alone = proved.after(HEALTHY), alone.after(HEALTHY)
    assert proved.promotion.log_e == pytest.approx([e / 5 for e in alone.promotion.log_e])


def test_a_business_metric_that_was_never_seen_is_named() -> None:
    verdict = after(begun(policy=SELLING), *[HEALTHY] * 40).judge(0, 40)
    assert verdict.decision is Decision.PROMOTE
    unread = "sold per offer was not judged: of a version no event could be read"
    assert verdict.sentence.endswith(f"; {unread}")


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


def test_the_figures_of_latency_show_what_was_judged_and_no_more() -> None:
    slower = poll(arm(50, latencies=[0.08] * 50), arm(50))
    loaded = slower.model_copy(update={"load_ratio": 2.0})
    seen = {each.kind: each for each in after(begun((50,)), slower, loaded).figures().metrics}
    latency, errors = seen[MetricKind.LATENCY], seen[MetricKind.ERRORS]
    assert (latency.canary_hits, latency.canary_requests, latency.stable_requests) == (50, 50, 50)
    assert (errors.canary_requests, errors.stable_requests) == (100, 100)


def test_a_canary_that_fails_is_rolled_back_however_much_it_has_to_do() -> None:
    failing = FAILING.model_copy(update={"load_ratio": 9.0})
    assert after(begun(), *[failing] * 10).judge(0, 10).decision is Decision.ROLLBACK


def test_no_business_event_at_the_canary_where_stable_has_hundreds_passes_nobody() -> None:
    silent = poll(sold(0, 0, 10), sold(5, 5, 90))
    verdict = after(begun(policy=SELLING), *[silent] * 40).judge(0, 40)
    assert (verdict.decision, verdict.metric) == (Decision.CONTINUE, "sold per offer")
    assert verdict.sentence == (
        "sold per offer: no event read at the canary against 400 at stable, where about 44 were to"
        " be expected of it: no step is passed without any"
    )
    assert after(begun(policy=SELLING), *[silent] * 40).judge(0, 600).decision is Decision.HOLD


@pytest.mark.parametrize(("events", "is_flagged"), [(1, False), (3, True)])
def test_no_canary_is_called_silent_because_of_a_chance_above_alpha(
    events: int, is_flagged: bool
) -> None:
    """At 90 % one event falls on stable once in 10 times, three once in 1,000."""
    silent = poll(sold(0, 0, 90), sold(events, 0, 10))
    figures = after(begun((90,), policy=SELLING), silent).figures()
    assert figures.silent == ({"sold per offer": 27} if is_flagged else {})


def test_a_fast_service_may_be_slower_by_the_floor_and_not_by_much_more() -> None:
    floored = POLICY.model_copy(update={"latency_floor_s": 0.025})
    random = Random(4)

    def judged(canary_s: float, polls: int) -> CanaryEvidence:
        evidence = begun(baseline=lognormal(random, 0.004, 2000), policy=floored)
        for _ in range(polls):
            stable = lognormal(random, 0.004, 90)
            evidence = evidence.after(poll(lognormal(random, canary_s, 10), stable))
        return evidence

    assert judged(0.012, 60).log_e < 0  # three times the median, which is 8 ms
    assert judged(0.3, 5).is_rejected
    told = judged(0.3, 5).judge(0, 5).sentence
    assert " canary requests took over " in told
    assert " stable requests over " in told
