"""How an instance is: its process, its own answer about itself, and its last words if any."""

from deploytool.errors import PlatformFailed
from deploytool.platforms.base import Condition, Instance, Role
from deploytool.platforms.http import complaint_of
from deploytool.platforms.local.database import LocalDatabase
from deploytool.platforms.local.folder import StateFolder
from deploytool.platforms.local.gateway import LocalGateway
from deploytool.platforms.local.logs import last_lines
from deploytool.platforms.local.program import Program, last_words, log_name
from deploytool.platforms.local.supervision import Running, Supervisor
from deploytool.platforms.local.tools import Tools
from deploytool.platforms.ports import HOST
from deploytool.platforms.secrets import Secrets

_LAST_LINES = 3
# Of structured logs the beginning says what happened; the rest would hide the next line.
_LONGEST_LINE = 160
# Far enough back for the end of a process whose successor has written already.
_LOOKED_AT_LINES = 500


class Health:
    """Looks at the instances of one state folder."""

    def __init__(
        self,
        folder: StateFolder,
        supervisor: Supervisor,
        database: LocalDatabase,
        gateway: LocalGateway,
        secrets: Secrets,
    ) -> None:
        self._folder = folder
        self._supervisor = supervisor
        self._database = database
        self._gateway = gateway
        self._secrets = secrets

    def of(
        self, component: str, role: Role, ready_path: str | None, tools: Tools | None
    ) -> Instance:
        """Return an instance. ready_path: where a service says whether it is ready."""
        program = self._supervisor.program(component, role)
        if program is None:
            return Instance(component, role, "", Condition.ABSENT, "was not started")
        try:
            running, is_supervised = self._supervisor.running(program), True
        except PlatformFailed:
            running, is_supervised = Running(None, 0, ""), False
        if ready_path is not None:
            complaint = complaint_of(f"http://{HOST}:{program.port}{ready_path}")
        else:
            complaint = self.complaint(component, tools)
        reason = self._reason(program, running, complaint, is_supervised=is_supervised)
        return Instance(
            component=component,
            role=role,
            revision=program.revision,
            condition=_condition(complaint, is_supervised=is_supervised),
            reason=reason,
            restarts=running.restarts,
            since=running.started,
            address=f"{HOST}:{program.port}",
        )

    def complaint(self, component: str, tools: Tools | None) -> str:
        """Return "" when the database or the gateway is ready, else what is wrong."""
        if component == self._gateway.component:
            return self._gateway.complaint()
        program = self._supervisor.program(component, Role.STABLE)
        if component != self._database.component or program is None or tools is None:
            return "it is no longer declared"
        return self._database.is_ready(tools, program.port)

    def _reason(
        self, program: Program, running: Running, complaint: str, *, is_supervised: bool
    ) -> str:
        if not is_supervised:
            return f"supervisord does not run; {complaint or 'still answers'}"
        if running.restarts:
            return (
                f"ended by {running.last_exit or 'an unknown cause'}, restart {running.restarts}; "
                f"{self._last_words(program, is_restarted=running.started is not None)}"
            )
        if complaint and running.started is None:
            return f"has no process; {self._last_words(program, is_restarted=False)}"
        return complaint

    def _last_words(self, program: Program, *, is_restarted: bool) -> str:
        path = self._folder.logs / log_name(program.component, program.role)
        written = last_lines(path, _LOOKED_AT_LINES)
        lines = last_words(written, _LAST_LINES, is_restarted=is_restarted)
        words = " | ".join(_cut(self._secrets.mask(line)) for line in lines)
        return f"its last words: {words}" if words else "it wrote nothing"


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}..."


def _condition(complaint: str, *, is_supervised: bool) -> Condition:
    if not complaint:
        return Condition.READY
    # Supervision starts again what ended; without it nothing happens by itself.
    return Condition.WAITING if is_supervised else Condition.FAILED
