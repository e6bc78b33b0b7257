"""Every way in which deploytool fails, as one small tree.

    DeployError                 1   something did not work
    |-- InvalidInput            2   a file, option or name is wrong
    |-- NotReady                1   a component did not become ready in time, or cannot
    |-- PlatformFailed          1   a program or server that a platform stands on failed
    |-- MigrationFailed         1   a database migration was refused
    |-- RecordFailed            1   state or log could not be written; nothing was decided
    |-- CheckFailed             1   a verification or invariant does not hold
    |-- ToolFault               1   deploytool itself failed: nobody had expected that
    |-- Locked                  6   another operation holds the target
    `-- Interrupted           130   Ctrl-C, SIGTERM, SIGHUP; `resume` and `abort` are accepted

Each error says what failed, why (in the failing object's own words) and what to do. Foreign
exceptions are mapped to these at the edge where they arise, with their cause chained.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar


class ExitCode:
    """The exit codes of the command line; they are part of its contract."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    CHANGES = 3
    ROLLED_BACK = 4
    HELD = 5
    LOCKED = 6
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file that is to blame; lines count from 1, None means the file as a whole."""

    path: Path
    line: int | None = None

    def __str__(self) -> str:
        """Return FILE or FILE:LINE, as editors and terminals understand it."""
        return str(self.path) if self.line is None else f"{self.path}:{self.line}"


class DeployError(Exception):
    """Something failed.

    what: one line naming the object. why: the observed cause. hint: what to do, best a command.
    note: what still serves or what was changed already. place: the file and line to blame.
    """

    code: ClassVar[str] = "failed"
    exit_code: ClassVar[int] = ExitCode.FAILED

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        hint: str = "",
        note: str = "",
        place: Place | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.hint = hint
        self.note = note
        self.place = place

    def as_dict(self) -> dict[str, str]:
        """Return the filled fields, for JSON output and the record."""
        fields = {
            "error": self.code,
            "what": self.what,
            "place": str(self.place) if self.place else "",
            "why": self.why,
            "note": self.note,
            "hint": self.hint,
        }
        return {name: text for name, text in fields.items() if text}


class InvalidInput(DeployError):
    """A file, an option or a name given by the user is wrong."""

    code = "invalid-input"
    exit_code = ExitCode.USAGE


class NotReady(DeployError):
    """A component did not become ready within its deadline, or can no longer become ready."""

    code = "not-ready"


class PlatformFailed(DeployError):
    """A program or server that the platform stands on failed."""

    code = "platform-failed"


class MigrationFailed(DeployError):
    """The database refused a migration."""

    code = "migration-failed"


class RecordFailed(DeployError):
    """State or log could not be written, so nothing was decided on it."""

    code = "record-failed"


class CheckFailed(DeployError):
    """A verification or an invariant of the data does not hold."""

    code = "check-failed"


class ToolFault(DeployError):
    """Deploytool itself has a fault."""

    code = "tool-fault"


class Locked(DeployError):
    """Another operation holds the target."""

    code = "locked"
    exit_code = ExitCode.LOCKED


class Interrupted(DeployError):
    """The operation was interrupted and left in a state that `resume` and `abort` accept."""

    code = "interrupted"
    exit_code = ExitCode.INTERRUPTED
