"""Reads the record of one canary into what its report shows."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from deploytool.canary.machine import Phase
from deploytool.canary.observation import ArmCounters, Observation, Reset
from deploytool.canary.policy import VerdictPolicy
from deploytool.canary.verdict import Verdict
from deploytool.errors import InvalidInput, RecordFailed
from deploytool.record.history import RecordedCanary
from deploytool.record.report.view import Entry, Outcome, Report, Seen, Step

_POLL: TypeAdapter[Observation | Reset] = TypeAdapter(Observation | Reset)
_DECIDED = frozenset({Phase.PROMOTING, Phase.HELD, Phase.RESTORING, Phase.ABORTING})


def read_report(recorded: RecordedCanary) -> Report:
    """Read the record; of a canary that has not ended, as far as it went.

    Raises InvalidInput for an update that was no canary, RecordFailed for a record that this
    deploytool cannot understand.
    """
    if not any(line["event"] == "canary-started" for line in recorded.lines):
        raise InvalidInput(
            f"run {recorded.run} was no canary",
            why="it replaced a revision without weighing evidence",
            hint="`deploytool history` lists the canaries",
        )
    try:
        entries = tuple(_entries(recorded.lines))
        own = [entry for entry in entries if entry.details.get("canary_run") == recorded.run]
        observations = tuple(_observations(own))
        return Report(
            run=recorded.run,
            observations=observations,
            steps=tuple(_steps(own, observations)),
            weights=tuple(
                (entry.at_s, entry.details["weight"])
                for entry in own
                if entry.event == "transition"
            ),
            outcome=_outcome(own),
            entries=entries,
            **_start(recorded.lines),
            **_evidence(own),
        )
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise RecordFailed(
            f"the record of canary {recorded.run} cannot be understood",
            why=f"a field is missing or of another form: {str(error).splitlines()[0]}",
            hint="use the deploytool that wrote it: each line of the log names its version",
        ) from error


def _entries(lines: Iterable[dict[str, Any]]) -> Iterator[Entry]:
    lines = list(lines)
    began = datetime.fromisoformat(_began(lines)["time"])
    at_s = float("-inf")
    for line in lines:
        time = datetime.fromisoformat(line["time"])
        # The clock may have been set back meanwhile.
        at_s = max(at_s, (time - began).total_seconds())
        yield Entry(
            at_s=at_s,
            time=time,
            run=line["run"],
            by=f"{line['user']}@{line['host']}",
            duration_s=line["duration_s"],
            details=line["details"],
            **{
                name: line[name]
                for name in ("command", "event", "object", "action", "result", "reason")
            },
        )


def _observations(own: Iterable[Entry]) -> list[Seen]:
    observations: list[Seen] = []
    for entry in own:
        if entry.event == "step-begun":
            # The process was killed after it recorded a poll and before it took it in.
            observations = [seen for seen in observations if seen.number <= entry.details["polls"]]
        elif entry.event == "observation":
            verdict = Verdict.model_validate(entry.details["verdict"])
            observations.append(
                Seen(
                    at_s=entry.at_s,
                    number=entry.details["number"],
                    step=verdict.figures.step,
                    poll=_POLL.validate_python(entry.details["poll"]),
                    verdict=verdict,
                )
            )
    return observations


def _steps(own: Iterable[Entry], observations: Iterable[Seen]) -> Iterator[Step]:
    begun: dict[int, float] = {}
    ended: dict[int, float] = {}
    weights: dict[int, int] = {}
    current: int | None = None
    weight = 0
    for entry in own:
        if current is not None:
            ended[current] = entry.at_s
        if entry.event == "step-begun":
            current = int(entry.details["step"])
            begun.setdefault(current, entry.at_s)
            ended[current] = entry.at_s
            weights[current] = weight
        elif entry.event == "transition":
            current, weight = None, entry.details["weight"]
    for index, begun_s in begun.items():
        at_step = [seen for seen in observations if seen.step == index]
        yield Step(
            index=index,
            weight_percent=weights[index],
            begun_s=begun_s,
            ended_s=ended[index],
            observed_s=sum(
                seen.poll.seconds for seen in at_step if isinstance(seen.poll, Observation)
            ),
            last=at_step[-1] if at_step else None,
        )


def _outcome(own: list[Entry]) -> Outcome:
    phase, decided = Phase.STARTING, None
    for entry in own:
        if entry.event == "transition":
            # Stable was restored first: that was decided before.
            is_decision = phase is not Phase.RESTORING
            phase = Phase(entry.result)
            if phase is Phase.OBSERVING:
                decided = None
            elif phase in _DECIDED and is_decision:
                decided = entry
    verdict = None
    if decided is not None:
        verdicts = [entry for entry in own if entry.event == "verdict"]
        # The reason of a canary taken back undecided says that before the verdict's sentence.
        if verdicts and decided.reason.endswith(verdicts[-1].reason):
            verdict = Verdict.model_validate(
                {name: verdicts[-1].details[name] for name in Verdict.model_fields}
            )
    latest = [entry for entry in own if entry.event in {"transition", "observation"}]
    return Outcome(
        phase=phase,
        why=decided.reason if decided else latest[-1].reason if latest else own[-1].reason,
        decided=decided,
        verdict=verdict,
        took_s=own[-1].at_s,
    )


def _start(lines: Iterable[dict[str, Any]]) -> dict[str, Any]:
    line = _began(lines)
    details = line["details"]
    return {
        "target": line["target"],
        "tool_version": line["tool_version"],
        "git_sha": line["git_sha"],
        "component": details["component"],
        "stable": details["stable"],
        "canary": details["canary"],
        # Earlier records have the names of the settings alone.
        "differs": tuple(details["differs"] if "differs" in details else details["settings"]),
        "weights_percent": tuple(details["steps"]),
        "is_held_at_end": details["is_held_at_end"],
    }


def _began(lines: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return next(line for line in lines if line["event"] == "canary-started")


def _evidence(own: Iterable[Entry]) -> dict[str, Any]:
    for entry in own:
        if entry.event == "evidence-begun":
            return {
                "policy": VerdictPolicy.model_validate(entry.details["policy"]),
                "baseline": ArmCounters.model_validate(entry.details["baseline"]),
            }
    return {"policy": None, "baseline": None}
