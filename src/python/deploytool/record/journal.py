"""The operations log: what deploytool did, one JSON object a line, and who is told about it.

Every event is written first and shown afterwards, so nothing is seen that is not on record. Each
line is chained to the one before it (`record.chain`); `record.history` reads the log back.
"""

import fcntl
import json
import math
import os
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from deploytool.errors import DeployError, ExitCode, Place, RecordFailed
from deploytool.record import parts
from deploytool.record.chain import End, continued, end_of, end_of_file
from deploytool.record.event import Event, Listener
from deploytool.record.masking import Masking
from deploytool.record.origin import Origin

# Stands in the first line of every log; raised when older readers would misread newer lines.
SCHEMA_VERSION = 2
_HEAD: Mapping[str, JsonValue] = {"schema": "deploytool-operations", "version": SCHEMA_VERSION}
# So much of a log holds its first line.
_HEAD_BYTES = 512

RESULTS: Mapping[int, str] = {
    ExitCode.DONE: "ok",
    ExitCode.CHANGES: "changes",
    ExitCode.ROLLED_BACK: "rolled-back",
    ExitCode.HELD: "held",
    ExitCode.LOCKED: "locked",
    ExitCode.INTERRUPTED: "interrupted",
}


@dataclass(slots=True)
class CommandEnd:
    """How a command ends; the command fills it in, an exception overrides it."""

    exit_code: int = ExitCode.DONE
    reason: str = ""


class Journal:
    """Writes the events of one run to the operations log, then tells the listeners.

    May be called from any thread, but not from a signal handler. Other processes may write to the
    same log at the same time. clock: unix seconds. elsewhere: files that are tried, in their order,
    from when the log cannot be written. is_required: whether the run must not go on without a
    record. warn: is told once where the record is instead, or that there is none.
    """

    def __init__(
        self,
        path: Path,
        origin: Origin,
        listeners: Sequence[Listener] = (),
        clock: Callable[[], float] = time.time,
        *,
        elsewhere: Iterable[Path] = (),
        is_required: bool = True,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.origin = origin
        self.masking = Masking()
        # Where the record goes on; None when it goes nowhere.
        self._path: Path | None = path
        self._elsewhere = iter(elsewhere)
        self._is_required = is_required
        self._warn = warn
        self._listeners = list(listeners)
        self._clock = clock
        self._sequence = 0
        self._lock = threading.Lock()

    def listen(self, listener: Listener) -> None:
        """Tell the listener, too, about every event from now on."""
        self._listeners.append(listener)

    def record(self, event: Event) -> None:
        """Write the event, then show it. Raises RecordFailed when it cannot be written.

        A listener that fails is told nothing any more, and that is on record: an operation does
        not end because nobody looks on.
        """
        event = self._masked(event)
        with self._lock:
            self._sequence += 1
            self._keep(self._line(event))
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception as fault:  # whatever a display is made of
                self._dismiss(listener, fault)

    def _dismiss(self, listener: Listener, fault: Exception) -> None:
        with self._lock:
            if listener not in self._listeners:  # another thread has
                return
            self._listeners.remove(listener)
        why = f"its output failed ({type(fault).__name__}: {fault}); what it did is on record"
        self.record(Event("note", object="display", reason=f"{why}, and the operation goes on"))

    def _keep(self, line: bytes) -> None:
        """Write the line to the log, or from then on to the first other place that takes it."""
        if self._path is None:
            return
        try:
            append(self._path, line)
        except RecordFailed as refused:
            trouble = f"{refused.what}: {refused.why}"
            for place in self._elsewhere:
                with suppress(RecordFailed):
                    append(place, line)
                    self._path = place
                    self._warn(f"{trouble}; this command is on record in {place}")
                    return
            if self._is_required:
                raise
            self._path = None
            self._warn(f"{trouble}; this command is not on record")

    @contextmanager
    def command(self) -> Generator[CommandEnd]:
        """Frame a command: its start on entry, its end on exit, also when an exception ends it.

        A signal gets its end line only if its handler raises. When the end cannot be written, the
        command has ended all the same: a warning says so, and an exception that ended it goes on
        with a note about it.
        """
        started = time.monotonic()
        self.record(Event("command-started", action=self.origin.command))
        end = CommandEnd()
        try:
            yield end
        except BaseException as error:
            failure = CommandEnd(exit_code_of(error), _reason_of(error))
            try:
                self._record_end(failure, time.monotonic() - started)
            except RecordFailed as unwritten:
                error.add_note(f"the end of the command is not on record: {unwritten.why}")
            raise
        try:
            self._record_end(end, time.monotonic() - started)
        except RecordFailed as unwritten:
            self._warn(
                f"{unwritten.what}: {unwritten.why}; the end of the command is not on record"
            )

    def _record_end(self, end: CommandEnd, duration_s: float) -> None:
        self.record(
            Event(
                "command-ended",
                action=self.origin.command,
                result=RESULTS.get(end.exit_code, "failed"),
                reason=end.reason,
                duration_s=round(duration_s, 3),
                details={"exit_code": end.exit_code},
            )
        )

    def _masked(self, event: Event) -> Event:
        mask = self.masking.mask
        return replace(
            event,
            object=mask(event.object),
            action=mask(event.action),
            result=mask(event.result),
            reason=mask(event.reason),
            details={name: self._clean(value) for name, value in event.details.items()},
        )

    def _clean(self, value: object) -> JsonValue:
        """Return the value masked, and as JSON whatever it is: no figure may fail a record."""
        if isinstance(value, Mapping):
            return {self.masking.mask(str(k)): self._clean(item) for k, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._clean(item) for item in value]
        if isinstance(value, float) and not math.isfinite(value):
            return None
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.masking.mask(str(value))

    def _line(self, event: Event) -> bytes:
        now = datetime.fromtimestamp(self._clock(), UTC)
        details = dict(event.details)
        origin = self.origin
        return encoded(
            {
                "time": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z",
                "run": origin.run,
                "sequence": self._sequence,
                "user": origin.user,
                "host": origin.host,
                "tool_version": origin.tool_version,
                "git_sha": origin.git_sha,
                "target": origin.target,
                "command": origin.command,
                "event": event.event,
                "object": event.object,
                "action": event.action,
                "result": event.result,
                "reason": event.reason,
                "duration_s": event.duration_s,
                # Of command-ended alone.
                "exit_code": details.pop("exit_code", None),
                "details": details,
            }
        )


def exit_code_of(error: BaseException) -> int:
    """Return the exit code with which a command ends that the exception leaves."""
    if isinstance(error, DeployError):
        return error.exit_code
    if isinstance(error, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    if isinstance(error, SystemExit) and (error.code is None or isinstance(error.code, int)):
        return error.code or ExitCode.DONE
    return ExitCode.FAILED


def _reason_of(error: BaseException) -> str:
    if isinstance(error, DeployError):
        return f"{error.what}: {error.why}" if error.why else error.what
    if isinstance(error, KeyboardInterrupt):
        return "interrupted by the user"
    if isinstance(error, SystemExit) and exit_code_of(error) == ExitCode.DONE:
        return ""
    return f"{type(error).__name__}: {error}"


def encoded(line: Mapping[str, JsonValue]) -> bytes:
    """Return the object as one line of JSON, without the line break."""
    text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
    # Half of a surrogate pair cannot be UTF-8; written as an escape it is right JSON.
    return text.encode("utf-8", "backslashreplace")


def append(path: Path, text: bytes) -> None:
    """Add one line to the log, in one write; begin a new log by its schema version.

    Opened anew for each line, so a log that was moved or deleted meanwhile is begun again, with a
    chain of its own. A full one is kept as a part, and its chain goes on. text: of `encoded`.
    Raises RecordFailed, also for a log of another version.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while not _is_appended(path, text):
            pass
    except OSError as error:
        raise RecordFailed(
            f"the operations log {path} cannot be written",
            why=error.strerror or str(error),
            hint=f"free space, or make {path} writable, and try again",
        ) from error


def require_version(head: Mapping[str, Any], place: Place) -> None:
    """Raise RecordFailed when a log's first line says another version than this one."""
    version = head.get("version")
    if version != SCHEMA_VERSION:
        raise RecordFailed(
            f"the operations log {place.path} is of another version",
            why=f"{place} says {version}, this deploytool reads and writes {SCHEMA_VERSION}",
            hint="go on with the deploytool that wrote it, or move it away",
        )


def _is_appended(path: Path, text: bytes) -> bool:
    """Add the line, unless another writer has put this very file away meanwhile."""
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        # Let go by close; two writers must not begin the log or go on from the same hash.
        fcntl.flock(file, fcntl.LOCK_EX)
        if not parts.is_current(file, path):
            return False
        continuation = _continuation(file, path, text)
        if not _is_begun_anew(file, path, text):
            _write(file, continuation)
        return True
    finally:
        os.close(file)


def _is_begun_anew(file: int, path: Path, text: bytes) -> bool:
    """Write the line into a new part if the log is full and ends with a whole line."""
    if os.fstat(file).st_size < parts.FULL_BYTES:
        return False
    end = end_of_file(file)
    if end.since != b"\n":
        return False
    follows: dict[str, JsonValue] = {
        "part": parts.next_part(path).name,
        "hash": end.hash.decode(),
    }
    head = continued(end, encoded({**_HEAD, "follows": follows}))
    return parts.close_part(path, head + continued(end_of(head) or End(), text))


def _continuation(file: int, path: Path, text: bytes) -> bytes:
    """Return what must be written so that the line goes on with the chain of the log."""
    if os.fstat(file).st_size == 0:
        first = continued(End(), encoded(_HEAD))
        return first + continued(end_of(first) or End(), text)
    with suppress(ValueError):  # a damaged head hinders nobody; `check` names it
        head_line = json.loads(os.pread(file, _HEAD_BYTES, 0).partition(b"\n")[0])
        if isinstance(head_line, dict) and "schema" in head_line:
            require_version(head_line, Place(path, 1))
    return continued(end_of_file(file), text)


def _write(file: int, content: bytes) -> None:
    written = os.write(file, content)
    # Part of it was written only when space ran out: the second try brings out the reason.
    while written < len(content):
        written += os.write(file, content[written:])
