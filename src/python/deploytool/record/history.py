"""Reads the operations log back: which commands ran, by whom, and how they ended."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deploytool.errors import Place, RecordFailed
from deploytool.record.journal import SCHEMA_VERSION

# Result of a command without an end: it is running, or it was killed.
UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True)
class PastCommand:
    """One command of the log. started: UTC, ISO 8601; None: it has not ended."""

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


@dataclass(frozen=True, slots=True)
class Damage:
    """A line of the log that cannot be understood."""

    place: Place
    why: str


@dataclass(frozen=True, slots=True)
class History:
    """The commands in the order in which they started, and the lines that could not be read."""

    commands: tuple[PastCommand, ...]
    damaged: tuple[Damage, ...]


def read_history(path: Path) -> History:
    """Read the log; one that does not exist is empty.

    Damaged lines are left out and named. Raises RecordFailed when the file cannot be read or was
    written by a newer deploytool.
    """
    commands: list[PastCommand] = []
    damaged: list[Damage] = []
    # Run -> place in `commands` of its command that has not ended.
    unfinished: dict[str, int] = {}
    for line in _lines(path):
        if isinstance(line, Damage):
            damaged.append(line)
        elif line["event"] == "command-started":
            unfinished[line["run"]] = len(commands)
            commands.append(_started(line))
        elif line["event"] == "command-ended" and line["run"] in unfinished:
            index = unfinished.pop(line["run"])
            commands[index] = _ended(commands[index], line)
    return History(tuple(commands), tuple(damaged))


def read_run(path: Path, run: str) -> tuple[dict[str, Any], ...]:
    """Return the lines of one run as they were written. Raises as read_history does."""
    return tuple(line for line in _lines(path) if isinstance(line, dict) and line["run"] == run)


def _lines(path: Path) -> Iterator[dict[str, Any] | Damage]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise RecordFailed(
            f"the operations log {path} cannot be read", why=error.strerror or str(error)
        ) from error
    for number, raw in enumerate(content.split(b"\n"), start=1):
        if raw:
            line = _parsed(raw, Place(path, number))
            if isinstance(line, Damage) or "schema" not in line:
                yield line


def _parsed(raw: bytes, place: Place) -> dict[str, Any] | Damage:
    try:
        line = json.loads(raw)
    except ValueError:
        return Damage(place, "not a whole line of JSON: its writer was stopped in the middle")
    if not isinstance(line, dict):
        return Damage(place, "not an object")
    if "schema" in line:
        if line.get("version") != SCHEMA_VERSION:
            raise RecordFailed(
                f"the operations log {place.path} is of another version",
                why=f"{place} says {line.get('version')}, this deploytool reads {SCHEMA_VERSION}",
                hint="read it with the deploytool that wrote it, or move it away",
            )
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


def _ended(command: PastCommand, line: dict[str, Any]) -> PastCommand:
    return replace(
        command,
        result=str(line.get("result", "")),
        reason=str(line.get("reason", "")),
        duration_s=line.get("duration_s"),
        exit_code=line.get("exit_code"),
    )
