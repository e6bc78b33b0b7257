"""How an instance is: its container, its own answer about itself, and its last words if any."""

from collections.abc import Callable

from deploytool.platforms.base import Condition, Instance, Role
from deploytool.platforms.compose.engine import Container, Engine

_LAST_LINES = 3
# Of structured logs the beginning says what happened; the rest would hide the next line.
_LONGEST_LINE = 160


class Health:
    """Looks at containers. mask: hides secrets in what they wrote."""

    def __init__(self, engine: Engine, mask: Callable[[str], str]) -> None:
        self._engine = engine
        self._mask = mask

    def of(
        self,
        component: str,
        role: Role,
        revision: str,
        container: Container | None,
        *,
        address: str,
        complain: Callable[[Container], str],
    ) -> Instance:
        """Return an instance that should run.

        complain: returns "" when what runs in the container is ready, else what it says.
        """
        if container is None:
            gone = "its container is gone"
            return Instance(component, role, revision, Condition.FAILED, gone)
        complaint = complain(container) if container.is_running else "has no process"
        return Instance(
            component=component,
            role=role,
            revision=revision,
            condition=_condition(container, complaint),
            reason=self._reason(container, complaint),
            restarts=container.restarts,
            since=container.started,
            address=address,
        )

    def _reason(self, container: Container, complaint: str) -> str:
        if container.restarts:
            how = f", last with {_exit(container)}" if not container.is_running else ""
            return f"restart {container.restarts}{how}; {self._last_words(container)}"
        if not container.is_running:
            return f"ended with {_exit(container)}; {self._last_words(container)}"
        return complaint

    def _last_words(self, container: Container) -> str:
        # What the process of now wrote is no last word.
        written = self._engine.last_lines(container, _LAST_LINES, until=container.started)
        lines = (self._mask(line.strip()) for line in written)
        words = " | ".join(_cut(line) for line in lines)
        return f"its last words: {words}" if words else "it wrote nothing"


def _condition(container: Container, complaint: str) -> Condition:
    if not complaint:
        return Condition.READY
    # The engine starts again what ended; what it has given up stays as it is.
    comes_back = container.is_running or container.is_restarting
    return Condition.WAITING if comes_back else Condition.FAILED


def _exit(container: Container) -> str:
    if container.error:
        return container.error
    cause = ", out of memory" if container.is_out_of_memory else ""
    return f"exit status {container.exit_code}{cause}"


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}..."
