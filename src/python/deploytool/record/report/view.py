"""What a report shows of one canary, as plain data; reading.py takes it from the record."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from deploytool.canary.figures import ArmFigures
from deploytool.canary.machine import ENDS, Phase
from deploytool.canary.metric import MetricKind
from deploytool.canary.observation import ArmCounters, Observation, Reset
from deploytool.canary.policy import VerdictPolicy
from deploytool.canary.verdict import Verdict

Arm = Literal["stable", "canary"]
ARMS: tuple[Arm, Arm] = ("stable", "canary")

_WORDS = {
    Phase.PROMOTING: "promoted",
    Phase.HELD: "held",
    Phase.RESTORING: "rolled back",
    Phase.ABORTING: "rolled back",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the record. at_s: since the canary started, never less than the line before."""

    at_s: float
    time: datetime
    run: str
    by: str
    command: str
    event: str
    object: str
    action: str
    result: str
    reason: str
    duration_s: float | None
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """One observation. number: of the canary's polls, from 1. step: 0-based."""

    at_s: float
    number: int
    step: int
    poll: Observation | Reset
    verdict: Verdict

    def judged(self, arm: Arm) -> ArmFigures:
        """Return one arm's figures since the canary began."""
        both = self.verdict.figures.in_total
        return both.canary if arm == "canary" else both.stable

    def interval(self, arm: Arm) -> tuple[float, float] | None:
        """Return between which rates (0-1) the arm's error rate is; None for no request."""
        metrics = self.verdict.figures.metrics
        errors = next(metric for metric in metrics if metric.kind is MetricKind.ERRORS)
        known = errors.canary_interval if arm == "canary" else errors.stable_interval
        return known if self.judged(arm).requests else None

    def per_second(self, arm: Arm) -> float | None:
        """Return the arm's requests a second that ended in this poll; None for a void one."""
        if isinstance(self.poll, Reset) or not self.poll.seconds:
            return None
        counted = self.poll.canary if arm == "canary" else self.poll.stable
        return counted.ended / self.poll.seconds

    @property
    def share(self) -> float | None:
        """The canary's share (0-1) of the requests in this poll; None without any."""
        if isinstance(self.poll, Reset) or not self.poll.requests:
            return None
        return self.poll.canary.ended / self.poll.requests


@dataclass(frozen=True, slots=True)
class Step:
    """One step as far as it went. index: 0-based.

    begun_s, ended_s: since the canary started, interruptions included; observed_s: without them.
    last: its latest observation.
    """

    index: int
    weight_percent: int
    begun_s: float
    ended_s: float
    observed_s: float
    last: Seen | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the canary stands. decided: what decided about it, None while nothing has."""

    phase: Phase
    why: str
    decided: Entry | None
    # The decision was a verdict on the evidence, not a person's or a failure.
    verdict: Verdict | None
    took_s: float

    @property
    def is_final(self) -> bool:
        """Tell whether nothing can follow."""
        return self.phase in ENDS

    @property
    def word(self) -> str:
        """Return how it ended or is about to end."""
        if self.decided is None:
            return "unfinished"
        return _WORDS[Phase(self.decided.result)]


@dataclass(frozen=True, slots=True)
class Report:
    """One canary. weights: (at_s, percent of the requests) from each change on.

    policy and baseline: None for a canary that ended before anything was weighed.
    """

    run: str
    target: str
    tool_version: str
    git_sha: str
    component: str
    stable: str
    canary: str
    differs: tuple[str, ...]
    weights_percent: tuple[int, ...]
    is_held_at_end: bool
    policy: VerdictPolicy | None
    baseline: ArmCounters | None
    outcome: Outcome
    steps: tuple[Step, ...]
    weights: tuple[tuple[float, int], ...]
    observations: tuple[Seen, ...]
    entries: tuple[Entry, ...]

    @property
    def began(self) -> Entry:
        """Return the start of the canary."""
        return next(entry for entry in self.entries if entry.event == "canary-started")
