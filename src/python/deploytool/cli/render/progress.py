"""How far a command has come: the plain data of the live view, which grows with every event.

Knows no terminal and no clock. Reasons are taken from the events, not from their views: only the
events have secrets masked.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from deploytool.canary.figures import Figures
from deploytool.canary.machine import Phase
from deploytool.canary.verdict import Decision
from deploytool.cli.render.lines import UNSHOWN, line_of
from deploytool.operations.view import CanaryView
from deploytool.record.event import Event
from deploytool.traffic.load.counts import LoadCounts

# More lines never fit below the figures.
_REMEMBERED_LINES = 12
# "Requests a second" means: during the last so many seconds.
_RATE_S = 5.0

# The figures show an observation every second; the transition after a verdict gives its reason.
_SHOWN_OTHERWISE = frozenset({"observation", "verdict"})

_TAKEN_BACK = frozenset({Phase.RESTORING, Phase.ABORTING, Phase.ROLLED_BACK})
_DECIDED = frozenset({Phase.HELD, Phase.PROMOTING, Phase.RESTORING, Phase.ABORTING})


@dataclass(frozen=True, slots=True)
class Progress:
    """A command at one moment.

    canary_seen: when `canary` was taken. stage: index into `stages`, the furthest that the canary
    came. decision: why the canary is held, promoted or taken back; "" while nothing is decided.
    waits_for: what it said last that it waits for; "" once anything else happened. samples: of the
    traffic, the latest last. happened: lines, the latest last. result: as in the operations log,
    "" until the command has ended.
    """

    command: str
    began: datetime
    canary: CanaryView | None = None
    canary_seen: datetime | None = None
    stage: int = 0
    figures: Figures | None = None
    verdict: Decision | None = None
    sentence: str = ""
    decision: str = ""
    waits_for: str = ""
    samples: tuple[LoadCounts, ...] = ()
    happened: tuple[str, ...] = ()
    ended: datetime | None = None
    result: str = ""

    def after(self, event: Event, now: datetime) -> Self:
        """Take in an event."""
        progress = self
        if event.event == "command-ended":
            progress = replace(progress, ended=now, result=event.result)
        if event.event == "canary-started":
            # What was replaced before, to have a stable revision, is another matter.
            progress = replace(progress, canary=None, figures=None, decision="", stage=0)
        if isinstance(event.view, CanaryView):
            progress = progress._with_canary(event, event.view, now)
        progress = replace(progress, waits_for=event.reason if event.event == "waiting" else "")
        if event.event in _SHOWN_OTHERWISE | UNSHOWN:
            return progress
        lines = (*progress.happened, line_of(event, now))
        return replace(progress, happened=lines[-_REMEMBERED_LINES:])

    def with_load(self, counts: LoadCounts) -> Self:
        """Take in the counts of the traffic; ignored once the command has ended."""
        if self.ended:
            return self
        since_s = counts.elapsed_s - _RATE_S
        late = tuple(sample for sample in self.samples if sample.elapsed_s >= since_s)
        return replace(self, samples=(*(late or self.samples[-1:]), counts))

    @property
    def load(self) -> LoadCounts | None:
        """The latest counts of the traffic; None where none is sent."""
        return self.samples[-1] if self.samples else None

    @property
    def rate(self) -> float | None:
        """Requests a second during the last seconds; None before it can be told."""
        if not self.samples:
            return None
        latest, oldest = self.samples[-1], self.samples[0]
        seconds = latest.elapsed_s - oldest.elapsed_s
        return (latest.requests - oldest.requests) / seconds if seconds else None

    @property
    def stages(self) -> tuple[str, ...]:
        """What a canary goes through, in words; empty before there is one."""
        if self.canary is None:
            return ()
        return ("start", *(f"{weight} %" for weight in self.canary.steps), "promote")

    @property
    def is_taken_back(self) -> bool:
        """Whether stable gets everything back, or has it already."""
        return self.canary is not None and self.canary.phase in _TAKEN_BACK

    @property
    def is_step_counted(self) -> bool:
        """Whether the figures are of the step that the canary is at now."""
        return bool(self.figures and self.canary and self.figures.step == self.canary.step)

    def elapsed_s(self, now: datetime) -> float:
        """Return the seconds of the whole command."""
        return ((self.ended or now) - self.began).total_seconds()

    def phase_s(self, now: datetime) -> float:
        """Return the seconds that the canary has been in its phase and step."""
        if self.canary is None or self.canary_seen is None:
            return 0.0
        seconds = ((self.ended or now) - self.canary_seen).total_seconds()
        return self.canary.elapsed_s + max(0.0, seconds)

    def _with_canary(self, event: Event, canary: CanaryView, now: datetime) -> Self:
        before = self.stage if self.canary else 1 + canary.step
        # To restore stable was decided; that it is restored is no decision of its own.
        was_restoring = self.canary is not None and self.canary.phase is Phase.RESTORING
        progress = replace(self, canary=canary, canary_seen=now, stage=_stage(canary, before))
        if canary.verdict is not None:
            progress = replace(
                progress,
                figures=canary.verdict.figures,
                verdict=canary.verdict.decision,
                sentence=event.reason,
            )
        elif canary.phase is Phase.OBSERVING:
            # The verdict on an earlier step says nothing of this one.
            progress = replace(progress, verdict=None, sentence="", decision="")
        elif canary.phase in _DECIDED and not was_restoring:
            progress = replace(progress, decision=event.reason)
        return progress


def _stage(canary: CanaryView, before: int) -> int:
    """Return the index of the canary's stage. before: the one it had, for when it is taken back."""
    match canary.phase:
        case Phase.STARTING:
            return 0
        case Phase.OBSERVING | Phase.HELD:
            return 1 + canary.step
        case Phase.RESTORING | Phase.ABORTING | Phase.ROLLED_BACK:
            return before
    return len(canary.steps) + 1
