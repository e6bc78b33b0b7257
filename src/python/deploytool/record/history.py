"""Reads the operations log back: which commands ran, by whom, and how they ended."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deploytool.errors import InvalidInput, Place
from deploytool.record.chain import Damage
from deploytool.record.journal import read, require_version

# Result of a command without an end: it is running, or it was killed.
UNFINISHED = "unfinished"
# So many canaries are named to who asks for one that there is not.
_NAMED = 5


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

    numbers: of these lines in the log, counted from 1.
    """

    run: str
    lines: tuple[dict[str, Any], ...]
    numbers: tuple[int, ...]


def read_history(path: Path) -> History:
    """Read the log; one that does not exist is empty.

    Damaged lines are left out and named. Raises RecordFailed when the file cannot be read or was
    written by a newer deploytool.
    """
    commands: list[PastCommand] = []
    damaged: list[Damage] = []
    # Run -> place in `commands` of its command that has not ended.
    unfinished: dict[str, int] = {}
    for _, line in _lines(path):
        if isinstance(line, Damage):
            damaged.append(line)
        elif line["event"] == "command-started":
            unfinished[line["run"]] = len(commands)
            commands.append(_started(line))
        elif line["event"] == "canary-started" and line["run"] in unfinished:
            index = unfinished[line["run"]]
            commands[index] = replace(commands[index], differs=_differs(line))
        elif line["event"] == "command-ended" and line["run"] in unfinished:
            index = unfinished.pop(line["run"])
            commands[index] = _ended(commands[index], line)
    return History(tuple(commands), tuple(damaged))


def read_run(path: Path, run: str) -> tuple[dict[str, Any], ...]:
    """Return the lines of one run as they were written. Raises as read_history does."""
    return tuple(line for _, line in _lines(path) if isinstance(line, dict) and line["run"] == run)


def read_canary(path: Path, run: str = "") -> RecordedCanary:
    """Return the canary, or other replacement, that began in the run; "": the latest canary.

    Raises InvalidInput, naming the latest canaries, when there is none; else as read_history does.
    """
    numbered = [(number, line) for number, line in _lines(path) if isinstance(line, dict)]
    lines = [line for _, line in numbered]
    # Updates replace as well, without being called a canary.
    started = [line["run"] for line in lines if line["event"] == "canary-started"]
    if not run and started:
        run = started[-1]
    runs = {line["run"] for line in lines if _canary_run(line) == run}
    if not runs and run not in started:
        raise InvalidInput(
            f"no canary began in run {run}" if run else "there was no canary yet",
            why=f"{path} has {len(started)} canaries",
            hint=f"the latest are {', '.join(reversed(started[-_NAMED:]))}"
            if started
            else "`deploytool canary` starts one",
        )
    runs.add(run)
    own = [(number, line) for number, line in numbered if line["run"] in runs]
    return RecordedCanary(run, tuple(line for _, line in own), tuple(number for number, _ in own))


def _canary_run(line: dict[str, Any]) -> str | None:
    details = line.get("details")
    return details.get("canary_run") if isinstance(details, dict) else None


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any] | Damage]]:
    """Yield the number of each line, from 1, and what it says; the first one, the head, is not."""
    for number, raw in enumerate(read(path).split(b"\n"), start=1):
        if raw:
            line = _parsed(raw, Place(path, number))
            if isinstance(line, Damage) or "schema" not in line:
                yield number, line


def _parsed(raw: bytes, place: Place) -> dict[str, Any] | Damage:
    try:
        line = json.loads(raw)
    except ValueError:
        return Damage(place, "not a whole line of JSON: its writer was stopped in the middle")
    if not isinstance(line, dict):
        return Damage(place, "not an object")
    if "schema" in line:
        require_version(line, place)
        return line
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
