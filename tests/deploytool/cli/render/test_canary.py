"""What `canary` prints at its end."""

import click
import pytest

from deploytool.canary.machine import Canary, Phase
from deploytool.canary.observation import ArmCounters, Observation
from deploytool.canary.policy import VerdictPolicy
from deploytool.canary.verdict import CanaryEvidence
from deploytool.cli.render.canary import canary_as_dict, canary_as_text
from deploytool.operations.canary import CanaryResult
from deploytool.system.policy import CanaryPolicy
from deploytool.system.revision import revision_of


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
