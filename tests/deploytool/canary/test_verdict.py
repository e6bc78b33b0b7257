"""The verdict as a whole: which decision, when, in which words, and that it can be resumed."""

import json
from random import Random

import pytest

from deploytool.canary import sentences
from deploytool.canary.observation import ArmCounters, Observation, Reset
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


def test_a_failing_canary_is_rolled_back_and_the_sentence_names_metric_and_counts() -> None:
    verdict = after(begun(), *[FAILING] * 3).judge(0, 3)
    assert verdict.decision is Decision.ROLLBACK
    assert verdict.metric == "errors"
    assert verdict.sentence == (
        "errors: 8 of 20 canary requests failed (40 %, 95 % interval 13.4 to 71.6 %)"
        " against 2 of 180 stable requests (1.1 %, 0.01 to 6.8 %);"
        " 8 by failed connection, mostly status 502; evidence 100 reached its limit of 100"
    )


def test_a_rollback_is_final() -> None:
    rejected = after(begun(), *[FAILING] * 3)
    assert after(rejected, *[HEALTHY] * 100) == rejected


def test_a_rollback_goes_before_a_proof_and_before_the_deadline() -> None:
    evidence = after(begun(), *[HEALTHY] * 40)
    assert evidence.judge(0, 1000).decision is Decision.PROMOTE
    evidence = after(evidence, *[FAILING] * 20)
    assert evidence.figures().upper_bound <= evidence.gate
    assert evidence.judge(0, 1000).decision is Decision.ROLLBACK


def test_a_slow_canary_is_rolled_back_for_latency() -> None:
    random = Random(5)
    evidence = begun(baseline=lognormal(random, 0.04, 2000))
    polls = 0
    while not evidence.is_rejected:
        evidence = evidence.after(poll(lognormal(random, 0.3, 10), lognormal(random, 0.04, 90)))
        polls += 1
    verdict = evidence.judge(0, polls)
    assert polls <= 8
    assert (verdict.decision, verdict.metric) == (Decision.ROLLBACK, "latency")
    assert verdict.sentence.startswith("latency: ")
    assert "canary requests took over 160 ms (" in verdict.sentence
    assert "; p90 " in verdict.sentence


def test_a_rise_in_the_median_by_half_is_found_as_fast_as_measured() -> None:
    random, found = Random(2), []
    for _ in range(25):
        evidence = begun(baseline=lognormal(random, 0.04, 1000))
        while not evidence.is_rejected:
            blocks = (lognormal(random, 0.06, 10), lognormal(random, 0.04, 90))
            evidence = evidence.after(poll(*blocks))
        found.append(evidence.in_total.canary.timed)
    assert sorted(found)[12] <= 110  # 76 measured over many more runs


def test_a_healthy_canary_is_promoted_once_the_bound_is_below_the_tolerance() -> None:
    evidence = after(begun(), *[HEALTHY] * 29)
    assert evidence.judge(0, 29).decision is Decision.CONTINUE
    verdict = after(evidence, HEALTHY, HEALTHY).judge(0, 31)
    assert verdict.decision is Decision.PROMOTE
    assert verdict.sentence == (
        "errors: 0 of 310 (0 %) canary requests failed against 0 of 2,790 (0 %) stable requests;"
        " 95 % sure that the canary is worse by less than 1 % (1 % allowed);"
        " evidence against it 1 of 100"
    )


def test_a_step_lasts_its_least_time_even_if_everything_is_proved() -> None:
    verdict = after(begun(), *[HEALTHY] * 60).judge(0, 9.9)
    assert verdict.decision is Decision.CONTINUE
    assert verdict.sentence == (
        "0 failures in 600 canary requests bounds the difference below 0.58 % (1 % allowed);"
        " the step takes at least 10 s"
    )


def test_at_the_deadline_too_little_evidence_is_held_and_says_what_is_missing() -> None:
    evidence = after(begun(), *[HEALTHY] * 9)
    verdict = evidence.judge(0, 600)
    assert verdict.decision is Decision.HOLD
    assert verdict.sentence == (
        "0 failures in 90 canary requests bounds the difference below 3.3 %;"
        " 1 % needs about 299 canary requests, 21 s more at the rate seen"
    )
    assert evidence.judge(0, 599).decision is Decision.CONTINUE


def test_many_small_doubts_are_told_though_no_request_of_the_canary_failed() -> None:
    told = sentences.doubted(after(begun(), *[HEALTHY] * 40).figures(), alpha_promotion=0.49)
    assert told.startswith("errors: 0 of 400 canary requests failed (0 %, ")
    assert told.endswith("; evidence 1 of 100: no step is passed unless below 2")


def test_silence_is_held_and_never_promoted() -> None:
    alone = after(begun(), *[poll(ArmCounters(), arm(90))] * 50, poll(ArmCounters(), arm(7)))
    verdict = alone.judge(0, 600)
    assert verdict.decision is Decision.HOLD
    assert verdict.sentence == (
        "no canary request was judged at this step (7 requests of both arms wait to fill a block):"
        " silence is not health; 1 % needs about 316 canary requests, and none comes"
    )


def test_a_slightly_worse_canary_is_held_and_told_that_waiting_does_not_help() -> None:
    slightly = poll(arm(100, failed=3), arm(900, failed=9))
    verdict = after(begun(), *[slightly] * 3).judge(0, 600)
    assert verdict.decision is Decision.HOLD
    assert verdict.sentence.endswith(
        "1 % is out of reach while canary requests fail at 3 % and stable requests at 1 %"
    )


def test_failures_of_both_arms_alike_are_no_evidence_against_the_canary() -> None:
    both = poll(arm(10, failed=2), arm(90, failed=18))
    everything = poll(arm(10, failed=10), arm(90, failed=90))
    assert after(begun(), *[both] * 50).figures().e_value < 1
    assert after(begun(), *[everything] * 50).figures().e_value == pytest.approx(1)


def test_gates_narrow_to_the_tolerance_at_the_last_step() -> None:
    evidence, gates = begun((5, 10, 25, 50)), []
    for step in range(4):
        evidence = evidence.at_step(step)
        gates.append(evidence.gate)
    assert gates == pytest.approx([0.05, 0.05, 0.02, 0.01])


def test_proof_begins_afresh_at_each_step_and_evidence_against_the_canary_goes_on() -> None:
    evidence = after(begun((10, 50)), *[HEALTHY] * 20, *[poll(arm(10, failed=1), arm(90))] * 2)
    assert evidence.judge(0, 20).decision is Decision.ADVANCE
    moved = evidence.at_step(1)
    assert moved.log_e == pytest.approx(evidence.log_e)
    assert moved.figures().upper_bound == 1
    assert moved.figures().at_step.canary.requests == 0
    assert moved.figures().in_total == evidence.figures().in_total
    assert moved.judge(1, 100).decision is Decision.CONTINUE


def test_the_polls_in_which_the_weight_moved_are_not_judged() -> None:
    moved = after(begun((10, 50)), HEALTHY).at_step(1)
    assert after(moved, FAILING, FAILING).log_e == moved.log_e
    assert after(moved, FAILING, FAILING, FAILING).log_e > moved.log_e


def test_setting_the_same_weight_again_keeps_the_evidence() -> None:
    evidence = after(begun((10, 50)), *[HEALTHY] * 5)
    again = evidence.at_step(0)
    assert again.promotion == evidence.promotion
    assert again.blocks.polls_to_drop == 2


def test_going_back_or_past_the_last_step_or_judging_another_one_is_refused() -> None:
    evidence = begun((10, 50)).at_step(1)
    for step in (0, 2):
        with pytest.raises(ValueError, match=f"no step {step}"):
            evidence.at_step(step)
    with pytest.raises(ValueError, match="of step 1, not of step 0"):
        evidence.judge(0, 10)


@pytest.mark.parametrize("weights", [(), (0, 50), (50, 100)])
def test_steps_that_leave_an_arm_without_requests_are_refused(weights: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="1-99 percent"):
        begun(weights)


def test_without_a_baseline_latency_is_not_judged_and_the_sentence_says_so() -> None:
    evidence = begun(baseline=ArmCounters())
    names = [metric.name for metric in evidence.metrics]
    assert names == ["errors", "client errors", "redirects"]
    assert evidence.metrics[0].process.limit == pytest.approx(100 / 0.9)
    verdict = after(evidence, *[HEALTHY] * 40).judge(0, 40)
    assert verdict.decision is Decision.PROMOTE
    assert verdict.sentence.endswith(
        "latency was not judged: too few stable requests before the canary"
    )


def test_a_step_takes_its_least_traffic_even_if_everything_is_proved() -> None:
    policy = POLICY.model_copy(update={"tolerance": 0.2, "least_step_requests": 100})
    verdict = after(begun(policy=policy), *[HEALTHY] * 5).judge(0, 60)
    assert verdict.decision is Decision.CONTINUE
    assert verdict.sentence.endswith("; the step takes at least 100 canary requests")
    assert after(begun(policy=policy), *[HEALTHY] * 10).judge(0, 60).decision is Decision.PROMOTE


def test_a_first_warm_up_is_not_judged() -> None:
    cold = begun(policy=POLICY.model_copy(update={"warm_up_polls": 3})).at_step(0)
    assert after(cold, *[FAILING] * 3).log_e == pytest.approx(0)
    assert after(cold, *[FAILING] * 4).log_e > 1


def test_evidence_saved_and_read_after_each_poll_gives_the_same_verdict() -> None:
    random = Random(9)
    baseline = lognormal(random, 0.04, 2000)
    kept = saved = begun((10, 50), baseline)
    polls: list[Observation | Reset] = [
        poll(lognormal(random, 0.04, 10), lognormal(random, 0.04, 30)) for _ in range(20)
    ]
    polls[7] = Reset(reason="the router restarted")
    for number, each in enumerate(polls):
        if number == 12:
            kept, saved = kept.at_step(1), saved.at_step(1)
        kept, saved = kept.after(each), saved.after(each)
        saved = CanaryEvidence.model_validate_json(saved.model_dump_json())
        as_record = json.loads(json.dumps(saved.model_dump(mode="json"), allow_nan=False))
        assert CanaryEvidence.model_validate(as_record) == kept
    assert saved.judge(1, 8) == kept.judge(1, 8)


def test_the_figures_show_both_arms_side_by_side() -> None:
    figures = after(begun(), HEALTHY, FAILING, poll(arm(4), arm(9))).figures()
    canary, stable = figures.in_total.canary, figures.in_total.stable
    assert (canary.requests, canary.errors, canary.error_rate) == (20, 4, 0.2)
    assert canary.errors_by_code == {502: 4}
    assert canary.errors_by_kind == {"failed connection": 4}
    assert (stable.requests, stable.errors) == (180, 1)
    assert canary.p50_s == pytest.approx(0.0341, abs=1e-3)
    assert figures.pending_requests == 13
    assert figures.e_limit == pytest.approx(100)
    assert sum(each.e_value for each in figures.metrics) == pytest.approx(figures.e_value)


def shared(canary: ArmCounters, stable: ArmCounters) -> Observation:
    return poll(canary, stable).model_copy(update={"share": 0.1})


def test_a_canary_whose_requests_vanish_is_not_passed_and_held_once_they_should_have_ended() -> (
    None
):
    evidence, polls = begun(), 0
    while not evidence.share.is_reached:
        evidence = evidence.after(shared(arm(4), arm(90)))
        polls += 1
    assert polls <= 20
    patient = after(evidence, *[shared(arm(4), arm(90))] * 28)
    verdict = patient.judge(0, polls + 28)
    assert (verdict.decision, verdict.metric) == (Decision.CONTINUE, "share")
    verdict = after(patient, *[shared(arm(4), arm(90))] * 60).judge(0, polls + 88)
    assert verdict.figures.upper_bound <= verdict.figures.gate
    assert (verdict.decision, verdict.metric) == (Decision.HOLD, "share")
    requests = 4 * (polls + 88)
    assert verdict.sentence == (
        f"share: {requests} of {94 * (polls + 88):,} (4.3 %) requests that ended were the canary's,"
        " which was set to get 10 %: by chance alone that is so less often than once in 100 times;"
        " requests to the canary do not end, or the router does not share them out as was set"
    )
    resumed = patient.at_step(0)
    assert after(resumed, *[shared(arm(4), arm(90))] * 20).judge(0, 20).decision is (
        Decision.CONTINUE
    )


def test_what_vanished_for_a_while_and_ended_late_keeps_nobody_from_being_promoted() -> None:
    evidence = after(begun(), *[shared(arm(0), arm(90))] * 12)
    assert evidence.share.is_reached
    evidence = after(evidence, shared(arm(120), arm(1)), *[shared(arm(10), arm(90))] * 20)
    assert evidence.judge(0, 33).decision is Decision.PROMOTE


def gave_up(requests: int, after_s: float, clients: int) -> ArmCounters:
    waits = [0.03] * requests + [after_s] * clients
    counted = arm(requests, latencies=waits)
    given_up = arm(clients, latencies=[after_s] * clients)
    return counted.model_copy(
        update={"requests": {200: requests, 499: clients}, "gave_up": given_up.buckets}
    )


def test_clients_that_give_up_on_a_canary_that_hangs_are_failures() -> None:
    hanging = poll(gave_up(7, 5.0, 3), gave_up(89, 0.01, 1))
    verdict = after(begun(), *[hanging] * 8).judge(0, 8)
    assert verdict.decision is Decision.ROLLBACK
    canary, stable = verdict.figures.in_total.canary, verdict.figures.in_total.stable
    assert canary.errors_by_kind == {"wait given up": canary.gave_up_late}
    assert (canary.gave_up_soon, stable.gave_up_late) == (0, 0)
    assert verdict.sentence.endswith(
        "; clients gave up: after more than 40 ms, which counts as failed,"
        f" {canary.gave_up_late} of the canary's and 0 of stable's;"
        f" sooner, which counts as neither, 0 and {stable.gave_up_soon}"
    )


@pytest.mark.parametrize("baseline_requests", [0, 15, 300, 900])
def test_without_a_known_baseline_each_client_that_gives_up_is_evidence(
    baseline_requests: int,
) -> None:
    hanging = poll(gave_up(7, 8.0, 3), arm(90))
    evidence = after(begun(baseline=arm(baseline_requests)), *[hanging] * 20)
    verdict = evidence.judge(0, 20)
    assert (verdict.decision, verdict.metric) == (Decision.ROLLBACK, "errors")
    canary = verdict.figures.in_total.canary
    assert canary.errors_by_kind == {"wait given up": canary.gave_up_late}
    assert verdict.sentence.endswith(
        f"; clients gave up ({canary.gave_up_late} of the canary's, 0 of stable's): as nobody knows"
        " how long stable's requests take, each counts as failed in the evidence, and none in the"
        " bound"
    )


def test_without_a_known_baseline_visitors_without_patience_do_not_delay_promotion() -> None:
    noisy = poll(gave_up(96, 0.01, 4), gave_up(864, 0.01, 36))
    evidence = after(begun(baseline=noisy.canary), *[noisy] * 4)
    assert evidence.baseline_error_rate == 0
    verdict = evidence.judge(0, 60)
    assert verdict.decision is Decision.PROMOTE
    assert verdict.sentence.startswith("errors: 0 of 384 (0 %) canary requests failed against ")
    assert verdict.figures.e_value < 1
    assert (verdict.figures.in_total.canary.errors, verdict.figures.at_step.canary.errors) == (
        16,
        0,
    )


def test_when_stable_fails_alike_the_sentence_says_so_and_promotion_is_not_delayed() -> None:
    out = poll(arm(10, failed=10, code=503), arm(90, failed=90, code=503))
    evidence = after(begun(), *[HEALTHY] * 10, *[out] * 15, *[HEALTHY] * 10)
    verdict = evidence.judge(0, 35)
    assert verdict.decision is Decision.CONTINUE
    assert verdict.figures.canary_requests_needed == pytest.approx(450, abs=20)
    assert verdict.sentence.endswith(
        "; both versions failed alike for a while (150 of 150 canary requests, 1,350 of 1,350"
        " stable requests), which speaks for neither"
    )
    assert after(evidence, *[HEALTHY] * 11).judge(0, 46).decision is Decision.PROMOTE


@pytest.mark.parametrize(
    ("failed", "remark"),
    [
        (0, "stable was out for a while (0 of 10 "),
        (2, "both versions failed alike for a while (2 of 10 "),
        (10, "left out of the bound, as stable was out: 10 of 10 "),
    ],
)
def test_what_is_said_of_an_outage_depends_on_how_the_canary_did_in_it(
    failed: int, remark: str
) -> None:
    out = poll(arm(10, failed=failed), arm(90, failed=15))
    sentence = after(begun(), *[HEALTHY] * 10, out).judge(0, 11).sentence
    assert f"; {remark}canary requests, 15 of 90 stable requests" in sentence


def test_a_canary_that_fails_less_often_is_called_better() -> None:
    better = poll(arm(100), arm(900, failed=45))
    verdict = after(begun(), *[better] * 10).judge(0, 10)
    assert verdict.decision is Decision.PROMOTE
    assert verdict.sentence.endswith("; the canary fails less often than stable")


def test_a_canary_that_is_faster_is_called_better() -> None:
    random = Random(3)
    evidence = begun(baseline=lognormal(random, 0.2, 2000))
    for _ in range(40):
        evidence = evidence.after(poll(lognormal(random, 0.05, 10), lognormal(random, 0.2, 90)))
    assert evidence.judge(0, 40).sentence.endswith("; the canary is faster than stable")


def test_a_step_without_requests_says_how_many_are_needed_and_how_long_that_takes() -> None:
    rare = poll(arm(1), arm(9))
    verdict = after(begun(), *[rare] * 3).judge(0, 600)
    assert verdict.decision is Decision.HOLD
    assert verdict.sentence == (
        "no canary request was judged at this step (30 requests of both arms wait to fill a block):"
        " silence is not health; 1 % needs about 313 canary requests, 5 min more at the rate seen"
    )
