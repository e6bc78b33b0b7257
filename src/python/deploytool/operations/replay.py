"""Checks a past canary: that its record is as it was written, and that its figures come out again.

Works on the record alone, without lock or platform: also when the target is down.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from deploytool.canary.machine import ENDS, Phase
from deploytool.canary.replay import Difference, Replay, replay
from deploytool.errors import CheckFailed, InvalidInput
from deploytool.record.chain import Damage, check_parts
from deploytool.record.history import UNFINISHED, RecordedCanary, read_canary
from deploytool.record.parts import opened
from deploytool.version import VERSION

# Of a value in a message; a whole poll may be on record where a number belongs.
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """A record that holds.

    outcome: the canary's end, "held" or "unfinished". decision, sentence: of the last verdict, ""
    without evidence. observations, figures: computed again, all equal. elsewhere: observations that
    are on another machine's record. lines: of the log with the right hash, up to `broken`, a line
    after this canary that was changed, where there is one. begins_after: an earlier part of the log
    that is not there any more, "" for a whole log. torn: lines that killed writers left. open_runs:
    without an end on record.
    """

    run: str
    outcome: str
    decision: str
    sentence: str
    observations: int
    figures: int
    elsewhere: int
    lines: int
    torn: tuple[Damage, ...]
    open_runs: tuple[str, ...]
    broken: Damage | None
    begins_after: str


def replay_run(log: Path, run: str) -> ReplayResult:
    """Check the chain of the log and compute the canary of the run again.

    Raises CheckFailed, naming file and line, for the first line that was changed or the first
    figure that does not come out again; InvalidInput for an unknown run.
    """
    with opened(log) as parts:
        chain = check_parts((part.path, part.content) for part in parts)
        order = {part.path: index for index, part in enumerate(parts)}
    try:
        recorded = read_canary(log, run)
    except InvalidInput:
        if chain.broken:
            raise _changed(log, chain.broken, "nothing can be read of this run") from None
        raise
    again = replay(run, enumerate(recorded.lines))
    if chain.broken and not _is_before(recorded, chain.broken, order):
        raise _changed(log, chain.broken, _besides(recorded, again))
    if again.difference:
        raise _different(recorded, again, again.difference)
    return ReplayResult(
        run=run,
        outcome=_outcome(again.phase),
        decision=again.verdict.decision if again.verdict else "",
        sentence=again.verdict.sentence if again.verdict else "",
        observations=again.observations,
        figures=again.figures,
        elsewhere=again.elsewhere,
        lines=chain.lines,
        torn=chain.torn,
        open_runs=_open_runs(recorded),
        broken=chain.broken,
        begins_after=chain.begins_after,
    )


def _changed(log: Path, broken: Damage, note: str) -> CheckFailed:
    return CheckFailed(
        f"the record {log} is not as it was written",
        why=broken.why,
        note=note,
        hint="compare it with a copy from before; nothing in it proves anything from there on",
        place=broken.place,
    )


def _is_before(recorded: RecordedCanary, broken: Damage, order: Mapping[Path, int]) -> bool:
    """Tell whether the whole canary was on record before the line that was changed.

    Each line vouches for those before it, so what comes after them says nothing about these. A run
    without an end may have had lines after that one.
    """
    if _open_runs(recorded):
        return False
    last, first_wrong = recorded.places[-1], broken.place
    return (order[last.path], last.line or 0) < (order[first_wrong.path], first_wrong.line or 0)


def _besides(recorded: RecordedCanary, again: Replay) -> str:
    if again.difference is None:
        return "what can be read of this canary comes out again as recorded"
    return f"{recorded.places[again.difference.line]}: {_words(again.difference)}"


def _different(recorded: RecordedCanary, again: Replay, difference: Difference) -> CheckFailed:
    versions = sorted({str(line.get("tool_version")) for line in recorded.lines})
    return CheckFailed(
        f"the canary of run {recorded.run} does not come out as recorded",
        why=_words(difference),
        note=f"{again.observations} observations before it came out equal; the record is of "
        f"deploytool {', '.join(versions)}, this is {VERSION}",
        hint="by the same version it was changed, and every hash after it computed again",
        place=recorded.places[difference.line],
    )


def _words(difference: Difference) -> str:
    recorded, computed = _shown(difference.recorded), _shown(difference.computed)
    return f"{difference.field}: recorded {recorded}, computed {computed}"


def _shown(value: JsonValue) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ..."


def _outcome(phase: Phase | None) -> str:
    return phase if phase is not None and phase in {*ENDS, Phase.HELD} else UNFINISHED


def _open_runs(recorded: RecordedCanary) -> tuple[str, ...]:
    """Return the runs without an end: running, killed, or cut off with the end of the log."""
    ended = {line["run"] for line in recorded.lines if line["event"] == "command-ended"}
    runs = dict.fromkeys(line["run"] for line in recorded.lines)
    return tuple(run for run in runs if run not in ended)
