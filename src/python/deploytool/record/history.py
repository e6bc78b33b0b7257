"""Reads the operations log back: which commands ran, by whom, and how they ended."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deploytool.errors import InvalidInput, Place
from deploytool.record.chain import Damage, is_whole
from deploytool.record.journal import require_version
from deploytool.record.parts import Part, opened

# Result of a command without an end: it is running, or it was killed.
UNFINISHED = "unfinished"
# So many canaries are named to who asks for one that there is not.
_NAMED = 5

_CANARY = "canary-started"
_TOLD = frozenset({"command-started", _CANARY, "command-ended"})
_MARKS = tuple(name.encode() for name in sorted(_TOLD))


@dataclass(frozen=True, slots=True)
class PastCommand:
    """One command of the log. started: UTC, ISO 8601; None: it has not ended.

    differs: in what its canary differed from stable, in words.
    """

    run: str
    started: str
    user: str
    host: str
    command: str
    target: str
    result: str = UNFINISHED
    reason: str = ""
    duration_s: float | None = None
    exit_code: int | None = None
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """The commands in the order in which they started, and the lines that could not be read."""

    commands: tuple[PastCommand, ...]
    damaged: tuple[Damage, ...]


@dataclass(frozen=True, slots=True)
class RecordedCanary:
    """One canary. lines: of its run and of every run that went on with it, in order.

    places: where each of these lines stands.
    """

    run: str
    lines: tuple[dict[str, Any], ...]
    places: tuple[Place, ...]


def read_history(path: Path, last: int | None = None) -> History:
    """Read the log from its end; one that does not exist is empty.

    last: how many commands, None for all; nothing before them is looked at. Damaged lines are left
    out and named. Raises RecordFailed when the file cannot be read or was written by a newer
    deploytool.
    """
    commands: list[PastCommand] = []
    damaged: list[Damage] = []
    # Run -> the line of its end, and in what its canary differed, until its start is met.
    ends: dict[str, dict[str, Any]] = {}
    differs: dict[str, tuple[str, ...]] = {}
    with _log(path) as parts:
        for line in _commands_from_the_end(parts):
            if isinstance(line, Damage):
                damaged.append(line)
            elif line["event"] == "command-ended":
                ends[line["run"]] = line
            elif line["event"] == _CANARY:
                differs[line["run"]] = _differs(line)
            else:
                run, command = line["run"], _started(line)
                command = replace(command, differs=differs.pop(run, ()))
                commands.append(_ended(command, ends.pop(run)) if run in ends else command)
                if len(commands) == last:
                    break
    return History(tuple(reversed(commands)), tuple(reversed(damaged)))


def read_run(path: Path, run: str) -> tuple[dict[str, Any], ...]:
    """Return the lines of one run as they were written. Raises as read_history does."""
    with _log(path) as parts:
        return tuple(line for _, line in _lines_with(parts, [run]) if line["run"] == run)


def read_canary(path: Path, run: str = "") -> RecordedCanary:
    """Return the canary, or other replacement, that began in the run; "": the latest canary.

    Raises InvalidInput, naming the latest canaries, when there is none; else as read_history does.
    """
    with _log(path) as parts:
        # Updates replace as well, without being called a canary.
        run = run or next(_canaries_from_the_end(parts), "")
        # Every line that was written for a canary names its run.
        about = [line for _, line in _lines_with(parts, [run])] if run else []
        runs = {line["run"] for line in about if _canary_run(line) == run}
        if not runs and not any(_began(line, run) for line in about):
            raise _no_canary(path, run, list(_canaries_from_the_end(parts)))
        runs.add(run)
        own = [each for each in _lines_with(parts, runs) if each[1]["run"] in runs]
    return RecordedCanary(run, tuple(line for _, line in own), tuple(place for place, _ in own))


@contextmanager
def _log(path: Path) -> Iterator[tuple[Part, ...]]:
    """Open the log; raise RecordFailed when it cannot be read, or understood."""
    with opened(path) as parts:
        for part in parts:
            place, raw = next(part.lines(), (part.place(0), b""))
            with suppress(ValueError):  # a damaged head is named as a damaged line
                head = json.loads(raw)
                if isinstance(head, dict) and "schema" in head:
                    require_version(head, place)
        yield parts


def _no_canary(path: Path, run: str, latest: list[str]) -> InvalidInput:
    return InvalidInput(
        f"no canary began in run {run}" if run else "there was no canary yet",
        why=f"{path} has {len(latest)} canaries",
        hint=f"the latest are {', '.join(latest[:_NAMED])}"
        if latest
        else "`deploytool canary` starts one",
    )


def _began(line: Mapping[str, Any], run: str) -> bool:
    return bool(line["event"] == _CANARY and line["run"] == run)


def _canary_run(line: Mapping[str, Any]) -> str | None:
    details = line.get("details")
    return details.get("canary_run") if isinstance(details, dict) else None


def _canaries_from_the_end(parts: Sequence[Part]) -> Iterator[str]:
    """Yield the runs in which canaries began, the latest first."""
    mark = _CANARY.encode()
    for part in reversed(parts):
        for position, raw in part.lines_from_the_end():
            if mark in raw:
                line = _parsed(raw, part, position)
                if not isinstance(line, Damage) and line["event"] == _CANARY:
                    yield line["run"]


def _commands_from_the_end(parts: Sequence[Part]) -> Iterator[dict[str, Any] | Damage]:
    """Yield the starts and ends of commands, canaries' starts and damaged lines, the last first."""
    for part in reversed(parts):
        for position, raw in part.lines_from_the_end():
            # Observations are most of a log: a whole line of one is known by its ends.
            if is_whole(raw) and not any(mark in raw for mark in _MARKS):
                continue
            line = _parsed(raw, part, position)
            if isinstance(line, Damage) or line["event"] in _TOLD:
                yield line


def _lines_with(
    parts: Sequence[Part], runs: Collection[str]
) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Yield the whole lines that hold one of the runs, in order."""
    marks = [run.encode() for run in runs]
    for part in parts:
        for place, raw in part.lines():
            if any(mark in raw for mark in marks):
                line = _read(raw, place)
                if not isinstance(line, Damage) and "event" in line:
                    yield place, line


def _parsed(raw: bytes, part: Part, position: int) -> dict[str, Any] | Damage:
    """Read a line of which only the position is known: to count lines takes a while."""
    line = _read(raw, part.place(0))
    return replace(line, place=part.place(position)) if isinstance(line, Damage) else line


def _read(raw: bytes, place: Place) -> dict[str, Any] | Damage:
    try:
        line = json.loads(raw)
    except ValueError:
        return Damage(place, "not a whole line of JSON: its writer was stopped in the middle")
    if not isinstance(line, dict):
        return Damage(place, "not an object")
    if "schema" in line:
        return {"event": "", "run": ""}
    missing = [name for name in ("time", "run", "event") if not isinstance(line.get(name), str)]
    return Damage(place, f"it has no {', '.join(missing)}") if missing else line


def _started(line: dict[str, Any]) -> PastCommand:
    def text(name: str) -> str:
        return str(line.get(name, ""))

    return PastCommand(
        run=line["run"],
        started=line["time"],
        user=text("user"),
        host=text("host"),
        command=text("command"),
        target=text("target"),
    )


def _differs(line: dict[str, Any]) -> tuple[str, ...]:
    details = line.get("details")
    differs = details.get("differs") if isinstance(details, dict) else None
    return tuple(map(str, differs)) if isinstance(differs, list) else ()


def _ended(command: PastCommand, line: dict[str, Any]) -> PastCommand:
    return replace(
        command,
        result=str(line.get("result", "")),
        reason=str(line.get("reason", "")),
        duration_s=line.get("duration_s"),
        exit_code=line.get("exit_code"),
    )
