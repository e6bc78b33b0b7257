"""What `canary` prints at its end."""

import click
import pytest

from deploytool.canary.machine import Canary, Phase
from deploytool.canary.observation import ArmCounters, Observation
from deploytool.canary.policy import VerdictPolicy
from deploytool.canary.verdict import CanaryEvidence
from deploytool.cli.render.canary import canary_as_dict, canary_as_text
from deploytool.operations.conclusion import CanaryResult
from deploytool.operations.load import TrafficResult
from deploytool.system.policy import CanaryPolicy
from deploytool.system.revision import revision_of
from deploytool.traffic.load.counts import LoadCounts

CALLER = "meanwhile front 0f3c answered 12 of 300 requests not as expected (503: 12): it calls back"
ENDED = CanaryResult(
    Canary(
        run="r",
        component="back",
        stable=revision_of("back", "old", {}),
        canary=revision_of("back", "new", {}),
        steps=(10,),
        phase=Phase.ROLLED_BACK,
        decision="errors: too many",
        since=0.0,
        is_judged_bad=True,
    ),
    TrafficResult(LoadCounts(requests=300), unknown=("/orders/1: no answer within 10 s",)),
    callers=(CALLER,),
)


def ended(phase: Phase) -> CanaryResult:
    canary = Canary(
        run="r1",
        component="web",
        stable=revision_of("web", "aa", {}),
        canary=revision_of("web", "bb", {}),
        steps=(20, 50),
        phase=phase,
        since=0.0,
        observed_s=33.25,
    )
    return CanaryResult(canary, None)


def test_a_promotion_says_for_how_long_the_canary_was_observed() -> None:
    text = click.unstyle(canary_as_text(ended(Phase.PROMOTED), 40.0))
    assert (
        "note:    this canary was observed for 33 s: what fails later than that was never seen"
        in text.splitlines()
    )
    assert text.splitlines()[-1].startswith("promoted: web ")


@pytest.mark.parametrize("phase", [Phase.ROLLED_BACK, Phase.HELD])
def test_what_was_not_promoted_promises_nothing(phase: Phase) -> None:
    assert "never seen" not in canary_as_text(ended(phase), 40.0)


@pytest.mark.parametrize("phase", [Phase.PROMOTED, Phase.ROLLED_BACK])
def test_a_program_reads_the_seconds(phase: Phase) -> None:
    assert canary_as_dict(ended(phase))["observed_s"] == 33.25


def held(canary_requests: int, share: float | None = None) -> str:
    arms = [ArmCounters(requests={200: n}) for n in (canary_requests, 900)]
    seen = Observation(seconds=1, canary=arms[0], stable=arms[1], share=share)
    policy = VerdictPolicy.of(CanaryPolicy()).model_copy(update={"warm_up_polls": 0})
    evidence = CanaryEvidence.new(policy, (10,), ArmCounters()).after(seen)
    canary = ended(Phase.HELD).canary.model_copy(update={"steps": (10,), "evidence": evidence})
    return canary_as_text(CanaryResult(canary, None), 40.0)


@pytest.mark.parametrize(
    ("told", "first"),
    [
        (held(100), "`deploytool promote`, `deploytool resume` or `deploytool abort`"),
        (held(0), "send requests and `deploytool resume`, or `deploytool abort`; "),
        (held(20, share=0.1), "`deploytool abort`, or `deploytool resume`; "),
    ],
)
def test_what_the_evidence_does_not_support_is_not_offered_first(told: str, first: str) -> None:
    assert f"next:    {first}" in told
    assert "`deploytool promote`" in told


def test_who_suffered_and_what_could_not_be_asked_stand_between_the_reason_and_the_result() -> None:
    assert canary_as_text(ENDED, 13.5).splitlines()[:-1] == [
        "why:     errors: too many",
        "traffic: 300 requests in 0 s; none failed",
        "data:    could not be asked within 30 s: 1 (for example /orders/1: no answer within 10 s)",
        f"callers: {CALLER}",
    ]


def test_programs_are_told_the_same() -> None:
    told = canary_as_dict(ENDED)
    assert told["callers"] == [CALLER]
    assert told["load"]["lost"] == []
    assert told["load"]["unknown"] == ["/orders/1: no answer within 10 s"]
    assert told["exit_code"] == 4
