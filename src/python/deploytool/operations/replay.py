"""Checks a past canary: that its record is as it was written, and that its figures come out again.

Works on the record alone, without lock or platform: also when the target is down.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from deploytool.canary.machine import ENDS, Phase
from deploytool.canary.replay import Difference, Replay, replay
from deploytool.errors import CheckFailed, InvalidInput, Place
from deploytool.record.chain import Damage, check
from deploytool.record.history import UNFINISHED, RecordedCanary, read_canary
from deploytool.record.journal import read
from deploytool.version import VERSION

# Of a value in a message; a whole poll may be on record where a number belongs.
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """A record that holds.

    outcome: the canary's end, "held" or "unfinished". decision, sentence: of the last verdict, ""
    without evidence. observations, figures: computed again, all equal. elsewhere: observations that
    are on another machine's record. lines: of the whole log, each with the right hash. torn: lines
    that killed writers left. open_runs: without an end on record.
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


def replay_run(log: Path, run: str) -> ReplayResult:
    """Check the chain of the log and compute the canary of the run again.

    Raises CheckFailed, naming file and line, for the first line that was changed or the first
    figure that does not come out again; InvalidInput for an unknown run.
    """
    chain = check(read(log), log)
    try:
        recorded = read_canary(log, run)
    except InvalidInput:
        if chain.broken:
            raise _changed(log, chain.broken, "nothing can be read of this run") from None
        raise
    again = replay(run, zip(recorded.numbers, recorded.lines, strict=True))
    if chain.broken:
        raise _changed(log, chain.broken, _besides(log, again))
    if again.difference:
        raise _different(log, recorded, again, again.difference)
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
    )


def _changed(log: Path, broken: Damage, note: str) -> CheckFailed:
    return CheckFailed(
        f"the record {log} is not as it was written",
        why=broken.why,
        note=note,
        hint="compare it with a copy from before; nothing in it proves anything from there on",
        place=broken.place,
    )


def _besides(log: Path, again: Replay) -> str:
    if again.difference is None:
        return "what can be read of this canary comes out again as recorded"
    return f"{Place(log, again.difference.line)}: {_words(again.difference)}"


def _different(
    log: Path, recorded: RecordedCanary, again: Replay, difference: Difference
) -> CheckFailed:
    versions = sorted({str(line.get("tool_version")) for line in recorded.lines})
    return CheckFailed(
        f"the canary of run {recorded.run} does not come out as recorded",
        why=_words(difference),
        note=f"{again.observations} observations before it came out equal; the record is of "
        f"deploytool {', '.join(versions)}, this is {VERSION}",
        hint="by the same version it was changed, and every hash after it computed again",
        place=Place(log, difference.line),
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
