"""Computes a past canary again from its recorded events alone, and compares every figure.

The evidence is a function of what `evidence-begun`, `step-begun` and `observation` say, so each
verdict must come out as it was recorded, and what followed from it must be what follows from it.
Where another machine made observations meanwhile, they are on its record; `evidence-continued` says
what they came to.
Pure: `operations.replay` reads the record and words what is found.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, JsonValue, ValidationError

from deploytool.canary.machine import Phase, weight_of
from deploytool.canary.observation import ArmCounters, Observation, Reset
from deploytool.canary.policy import VerdictPolicy
from deploytool.canary.verdict import CanaryEvidence, Decision, Verdict

TOLERANCE = 1e-9
"""Relative; another machine's logarithms may differ in their last bits."""
SMALLEST = 1e-300
"""Numbers below have fewer bits, so that one bit of them is more than the tolerance."""

ALLOWED = {
    Decision.ADVANCE: {Phase.OBSERVING},
    Decision.PROMOTE: {Phase.PROMOTING, Phase.HELD},
    Decision.ROLLBACK: {Phase.ABORTING},
    Decision.HOLD: {Phase.HELD, Phase.ABORTING},
}
"""The phases that a verdict may lead to, as declared; CONTINUE leads nowhere."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing on record that does not come out again. line: its number."""

    line: int
    field: str
    recorded: JsonValue
    computed: JsonValue


@dataclass(frozen=True, slots=True)
class Replay:
    """What came out. observations, figures: computed again and equal.

    elsewhere: observations that are on another machine's record, taken over as they were summed up.
    verdict: of the last observation. phase: that of the last transition; None: there is none.
    """

    observations: int
    figures: int
    elsewhere: int
    verdict: Verdict | None
    phase: Phase | None
    difference: Difference | None


def replay(run: str, lines: Iterable[tuple[int, Mapping[str, Any]]]) -> Replay:
    """Compute the canary of this run again, up to the first difference.

    lines: number and content, in order; those of other canaries are passed over.
    """
    again = _Again()
    difference = None
    for number, line in lines:
        details = line.get("details")
        if not isinstance(details, Mapping) or details.get("canary_run") != run:
            continue
        try:
            again.take(line)
        except _Differs as found:
            difference = Difference(number, found.field, found.recorded, found.computed)
            break
    return Replay(
        again.observations, again.figures, again.elsewhere, again.verdict, again.phase, difference
    )


class _Differs(Exception):
    def __init__(self, field: str, recorded: JsonValue, computed: JsonValue) -> None:
        super().__init__(field)
        self.field = field
        self.recorded = recorded
        self.computed = computed


class _Begun(BaseModel):
    policy: VerdictPolicy
    weights_percent: tuple[int, ...]
    baseline: ArmCounters


class _Continued(BaseModel):
    evidence: CanaryEvidence


class _Step(BaseModel):
    step: int
    polls: int


class _Poll(BaseModel):
    number: int
    elapsed_at_step_s: float
    poll: Observation | Reset
    verdict: dict[str, Any]
    remark: str = ""


class _Weight(BaseModel):
    weight: int


class _Again:
    """The canary as far as it is computed again."""

    def __init__(self) -> None:
        self.observations = 0
        self.figures = 0
        self.elsewhere = 0
        self.verdict: Verdict | None = None
        self.phase: Phase | None = None
        self._evidence: CanaryEvidence | None = None
        # A process that was killed saved the latest evidence, or the one a poll before it.
        self._earlier: CanaryEvidence | None = None
        self._step = 0
        # What must come next from the same process, after a verdict that decides.
        self._due = ""
        self._due_from = ""

    def take(self, line: Mapping[str, Any]) -> None:
        """Take in the next event. Raises _Differs."""
        event = str(line["event"])
        if line["run"] != self._due_from:
            # Another process goes on: what the last one owed was never done.
            self._due = ""
        if self._due and event != self._due:
            raise _Differs("event", event, self._due)
        try:
            self._take(event, line)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(["details", *map(str, first["loc"])])
            raise _Differs(where, first["input"], first["msg"]) from error
        except (ValueError, ArithmeticError) as error:
            # No such step, other latency buckets, counts beyond all numbers: not computable.
            raise _Differs("details", event, str(error)) from error

    def _take(self, event: str, line: Mapping[str, Any]) -> None:
        match event:
            case "evidence-begun":
                self._begin(_Begun.model_validate(line["details"]))
            case "evidence-continued":
                self._continue(_Continued.model_validate(line["details"]).evidence)
            case "step-begun":
                self._begin_step(_Step.model_validate(line["details"]))
            case "observation":
                self._observe(line, _Poll.model_validate(line["details"]))
            case "verdict":
                self._decide(line)
            case "transition":
                self._move(line)

    def _begin(self, begun: _Begun) -> None:
        # Killed before it was saved, it is begun anew; with a poll taken in, never.
        if self._evidence is not None and self._evidence.polls:
            raise _Differs("event", "evidence-begun", f"evidence of {self._evidence.polls} polls")
        self._evidence = CanaryEvidence.new(begun.policy, begun.weights_percent, begun.baseline)

    def _continue(self, evidence: CanaryEvidence) -> None:
        for own in (self._earlier, self._evidence):
            if own is not None and _is_same(evidence, own):
                return
        saved = self._earlier or self._evidence
        known = saved.polls if saved else 0
        # Of as many polls it may still be another's: killed before it is saved, the latest is void.
        if saved is not None and evidence.polls <= known:
            raise _Differs("details.evidence.polls", evidence.polls, known)
        self.elsewhere += evidence.polls - known
        self._evidence, self._earlier = evidence, None

    def _begin_step(self, begun: _Step) -> None:
        evidence = self._known("step-begun")
        if self._earlier is not None and begun.polls == self._earlier.polls:
            evidence = self._earlier
        if begun.polls != evidence.polls:
            raise _Differs("details.polls", begun.polls, evidence.polls)
        self._evidence = evidence.at_step(begun.step)
        self._earlier = None
        self._step = begun.step

    def _observe(self, line: Mapping[str, Any], seen: _Poll) -> None:
        self._earlier = self._known("observation")
        self._evidence = self._earlier.after(seen.poll)
        verdict = self._evidence.judge(self._evidence.step, seen.elapsed_at_step_s)
        self._compare("details.number", seen.number, self._evidence.polls)
        self._compare("details.verdict", seen.verdict, verdict.model_dump(mode="json"))
        self._compare_words(line, verdict, seen.remark)
        self.verdict = verdict
        self.observations += 1
        if verdict.decision is not Decision.CONTINUE:
            self._due, self._due_from = "verdict", str(line["run"])

    def _decide(self, line: Mapping[str, Any]) -> None:
        if self.verdict is None or not self._due:
            raise _Differs("result", line.get("result"), "no verdict: the evidence decides nothing")
        told = {name: value for name, value in line["details"].items() if name != "canary_run"}
        self._compare("details", told, self.verdict.model_dump(mode="json"))
        self._compare_words(line, self.verdict)
        self._due = "transition"

    def _move(self, line: Mapping[str, Any]) -> None:
        self.phase = phase = Phase(str(line.get("result")))
        if self._evidence is None:
            return
        if self._due and self.verdict is not None:
            self._follow(line, phase, self.verdict)
        elif str(line.get("action")).startswith("step ") and phase in {Phase.OBSERVING, Phase.HELD}:
            raise _Differs("result", phase, "no move: there is no verdict that says so")
        weight = weight_of(phase, self._evidence.weights_percent, self._step)
        recorded = _Weight.model_validate(line["details"]).weight
        self._compare("details.weight", recorded, weight)
        self._due = ""

    def _follow(self, line: Mapping[str, Any], phase: Phase, verdict: Verdict) -> None:
        allowed = ALLOWED[verdict.decision]
        if phase not in allowed:
            raise _Differs("result", phase, " or ".join(sorted(allowed)))
        if not str(line.get("reason")).endswith(verdict.sentence):
            raise _Differs("reason", line.get("reason"), verdict.sentence)
        if verdict.decision is Decision.ADVANCE:
            self._step += 1

    def _known(self, event: str) -> CanaryEvidence:
        if self._evidence is None:
            raise _Differs("event", event, "evidence-begun")
        return self._evidence

    def _compare_words(self, line: Mapping[str, Any], verdict: Verdict, remark: str = "") -> None:
        steps = len(verdict.figures.weights_percent)
        self._compare("action", line.get("action"), f"step {verdict.figures.step + 1}/{steps}")
        self._compare("result", line.get("result"), str(verdict.decision))
        self._compare("reason", line.get("reason"), verdict.with_remark(remark))

    def _compare(self, field: str, recorded: JsonValue, computed: JsonValue) -> None:
        """Compare all the figures in a JSON value, each counted. Raises _Differs at the first."""
        if isinstance(recorded, dict) and isinstance(computed, dict):
            for name in {**computed, **recorded}:
                if name not in recorded or name not in computed:
                    raise _Differs(f"{field}.{name}", recorded.get(name), computed.get(name))
                self._compare(f"{field}.{name}", recorded[name], computed[name])
        elif isinstance(recorded, list) and isinstance(computed, list):
            if len(recorded) != len(computed):
                raise _Differs(field, recorded, computed)
            for index, (was, now) in enumerate(zip(recorded, computed, strict=True)):
                self._compare(f"{field}[{index}]", was, now)
        elif not _is_equal(recorded, computed):
            raise _Differs(field, recorded, computed)
        else:
            self.figures += 1


def _is_same(evidence: CanaryEvidence, own: CanaryEvidence) -> bool:
    # That a step began is saved with its first poll.
    step = max(evidence.step, own.step)
    return evidence.at_step(step) == own.at_step(step)


def _is_equal(recorded: JsonValue, computed: JsonValue) -> bool:
    if isinstance(recorded, float) and isinstance(computed, float):
        return math.isclose(recorded, computed, rel_tol=TOLERANCE, abs_tol=SMALLEST)
    return recorded == computed and isinstance(recorded, bool) == isinstance(computed, bool)
