"""What there is to see of a running canary, as plain data; the terminal and JSON render it."""

from dataclasses import dataclass
from typing import Self

from deploytool.canary.machine import Canary, Phase
from deploytool.canary.verdict import Verdict
from deploytool.system.revision import differences


@dataclass(frozen=True, slots=True)
class CanaryView:
    """A canary at one moment.

    weight: percent of the requests. since: unix seconds since when it is in this step or phase,
    elapsed_s: that is so long. limit_s: when a step without a decision is held; None where none is
    observed yet. differs: what differs from stable, in words.
    """

    run: str
    component: str
    stable: str
    canary: str
    phase: Phase
    steps: tuple[int, ...]
    step: int
    weight: int
    reason: str
    since: float
    elapsed_s: float
    limit_s: float | None = None
    # How long it has been observed at all its steps together.
    observed_s: float = 0.0
    differs: tuple[str, ...] = ()
    # The latest figures and what they mean; None before the first observation.
    verdict: Verdict | None = None

    @classmethod
    def of(cls, canary: Canary, now: float, verdict: Verdict | None = None) -> Self:
        """Take the view of a canary. now: unix seconds."""
        evidence = canary.evidence
        return cls(
            run=canary.run,
            component=canary.component,
            stable=canary.stable.id,
            canary=canary.canary.id,
            phase=canary.phase,
            steps=canary.steps,
            step=canary.step,
            weight=canary.weight,
            reason=canary.reason,
            since=canary.since,
            elapsed_s=max(0.0, now - canary.since),
            limit_s=evidence.policy.most_at_s(evidence.steps_left) if evidence else None,
            observed_s=canary.observed_s,
            differs=differences(canary.stable, canary.canary),
            verdict=verdict,
        )
