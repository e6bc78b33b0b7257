"""What a report shows of one canary, as plain data; reading.py takes it from the record."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deploytool.canary.machine import ENDS, Phase
from deploytool.canary.observation import ArmCounters, Observation, Reset
from deploytool.canary.policy import VerdictPolicy
from deploytool.canary.verdict import Verdict

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
    settings: tuple[str, ...]
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
