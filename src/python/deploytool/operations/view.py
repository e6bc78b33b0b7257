"""What there is to see of a running canary, as plain data; the terminal and JSON render it."""

from dataclasses import dataclass
from typing import Self

from deploytool.canary.machine import Canary, Phase
from deploytool.canary.verdict import Verdict


@dataclass(frozen=True, slots=True)
class CanaryView:
    """A canary at one moment. weights: percent of the requests. elapsed: seconds in this step."""

    run: str
    component: str
    stable: str
    canary: str
    phase: Phase
    steps: tuple[int, ...]
    step: int
    weight: int
    reason: str
    elapsed_s: float
    # The latest figures and what they mean; None before the first observation.
    verdict: Verdict | None = None

    @classmethod
    def of(cls, canary: Canary, now: float, verdict: Verdict | None = None) -> Self:
        """Take the view of a canary. now: unix seconds."""
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
            elapsed_s=max(0.0, now - canary.since),
            verdict=verdict,
        )
