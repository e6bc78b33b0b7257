"""What `status` computes of a canary's evidence, from what is saved alone."""

import math

import pytest

from deploytool.canary.machine import Canary, Phase
from deploytool.canary.observation import ArmCounters, Observation
from deploytool.canary.policy import VerdictPolicy
from deploytool.canary.verdict import CanaryEvidence, Decision
from deploytool.operations.status import unseen_on, weighed
from deploytool.record.store import TargetState
from deploytool.system.policy import CanaryPolicy
from deploytool.system.revision import revision_of

POLICY = VerdictPolicy.of(CanaryPolicy(least_step_s=5, step_deadline_s=60)).model_copy(
    update={"warm_up_polls": 0}
)

NOW = 1_795_000_000.0


def counted(requests: int) -> ArmCounters:
    return ArmCounters(requests={200: requests}, buckets=((0.1, requests), (math.inf, requests)))


def canary(polls: int, phase: Phase = Phase.OBSERVING, step: int = 0) -> Canary:
    evidence = CanaryEvidence.new(POLICY, (20, 50), counted(0))
    for _ in range(polls):
        poll = Observation(seconds=1, stable=counted(80), canary=counted(20))
        evidence = evidence.after(poll)
    return Canary(
        run="r1",
        component="web",
        stable=revision_of("web", "aa", {}),
        canary=revision_of("web", "bb", {}),
        steps=(20, 50),
        phase=phase,
        step=step,
        since=0.0,
        evidence=evidence,
    )


def test_before_there_is_evidence_there_is_none_to_show() -> None:
    assert weighed(canary(0).model_copy(update={"evidence": None}), 1.0, NOW) is None


def test_a_step_without_requests_has_no_share() -> None:
    found = weighed(canary(0), 1.0, NOW)
    assert found is not None
    assert found.share_observed is None
    assert found.decision is Decision.CONTINUE


@pytest.mark.parametrize(
    ("elapsed_s", "decision"),
    [(1.0, Decision.CONTINUE), (6.0, Decision.ADVANCE)],
)
def test_the_verdict_is_that_of_the_operation_at_this_moment(
    elapsed_s: float, decision: Decision
) -> None:
    shown = canary(10)
    found = weighed(shown, elapsed_s, NOW)
    assert found is not None
    assert shown.evidence is not None
    verdict = shown.evidence.judge(0, elapsed_s)
    assert (found.decision, found.sentence, found.figures) == (
        decision, verdict.sentence, verdict.figures,
    )  # fmt: skip
    assert found.share_observed == pytest.approx(0.2)


@pytest.mark.parametrize(
    "elsewhere", [canary(10, step=1), canary(10, Phase.HELD), canary(10, Phase.PROMOTING)]
)
def test_figures_of_another_step_or_phase_decide_nothing_now(elsewhere: Canary) -> None:
    found = weighed(elsewhere, 6.0, NOW)
    assert found is not None
    assert (found.decision, found.sentence, found.figures.step) == (None, "", 0)


OVER_SOON = (
    f"web {canary(0).canary.id}: this canary was observed for 33 s: "
    "what fails later than that was never seen"
)


def test_a_canary_under_way_shows_no_more_than_its_time() -> None:
    under_way = canary(3).model_copy(update={"observed_s": 33.2})
    assert unseen_on(TargetState(canary=under_way)) == OVER_SOON
    assert unseen_on(TargetState(canary=canary(0))) == ""


def test_what_the_last_canary_did_not_show_is_told_while_it_is_stable() -> None:
    ended = canary(0, Phase.PROMOTED).model_copy(update={"observed_s": 33.2})
    assert unseen_on(TargetState(ended=ended, stable={"web": ended.canary})) == OVER_SOON
    assert unseen_on(TargetState(ended=ended, stable={"web": ended.stable})) == ""
    assert unseen_on(TargetState()) == ""


@pytest.mark.parametrize(("polled_at", "age_s"), [(NOW - 90, 90), (NOW + 5, 0), (None, None)])
def test_the_age_of_the_last_poll_is_never_negative_whatever_a_clock_says(
    polled_at: float | None, age_s: float | None
) -> None:
    found = weighed(canary(3).model_copy(update={"polled_at": polled_at}), 1.0, NOW)
    assert found is not None
    assert found.poll_age_s == age_s
