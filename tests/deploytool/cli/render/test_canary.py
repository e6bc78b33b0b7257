"""How a canary ended, in a few lines."""

import pytest

from deploytool.canary.machine import Canary, Phase
from deploytool.canary.observation import ArmCounters, Observation
from deploytool.canary.policy import VerdictPolicy
from deploytool.canary.verdict import CanaryEvidence
from deploytool.cli.render.canary import canary_as_text
from deploytool.operations.canary import CanaryResult
from deploytool.system.policy import CanaryPolicy
from deploytool.system.revision import Revision


def held(canary_requests: int, share: float | None = None) -> str:
    arms = [ArmCounters(requests={200: n}) for n in (canary_requests, 900)]
    seen = Observation(seconds=1, canary=arms[0], stable=arms[1], share=share)
    policy = VerdictPolicy.of(CanaryPolicy()).model_copy(update={"warm_up_polls": 0})
    evidence = CanaryEvidence.new(policy, (10,), ArmCounters()).after(seen)
    stable, canary = (
        Revision(component="web", id=name, artifact=64 * "0", environment={}) for name in "ab"
    )
    ended = Canary(
        run="one",
        component="web",
        stable=stable,
        canary=canary,
        steps=(10,),
        phase=Phase.HELD,
        since=0,
        evidence=evidence,
    )
    return canary_as_text(CanaryResult(ended, traffic=None), seconds=1)


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
