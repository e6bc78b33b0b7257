"""This tool as a supervised process, which goes on when the one that started it has ended."""

from collections.abc import Sequence
from pathlib import Path

from deploytool.platforms.local import orphans
from deploytool.platforms.local.folder import StateFolder
from deploytool.platforms.local.program import Task
from deploytool.platforms.local.supervision import Supervisor, minimal_environment
from deploytool.platforms.tool_copy import keep_tool, python

_NAME = "deploytool"
# An interruption is saved and recorded, and its traffic ended, within this time.
_STOP_S = 15.0


class Detachment:
    """The one detached process of a state folder. root: the repository, where it works."""

    def __init__(self, folder: StateFolder, supervisor: Supervisor, root: Path) -> None:
        self._folder = folder
        self._supervisor = supervisor
        self._root = root

    def start(self, tool: Path, arguments: Sequence[str]) -> Path:
        """Run a copy of the packaged tool; return the file that it writes to."""
        task = Task(
            name=_NAME,
            argv=(python(), str(keep_tool(self._folder.tool, tool)), *arguments),
            environment={**minimal_environment(self._folder), "PEX_ROOT": str(self._folder.pex)},
            folder=self._root,
            stop_s=_STOP_S,
        )
        self._supervisor.run_task(task)
        return self._folder.logs / task.log

    def end(self, pid: int | None) -> None:
        """End it. pid: of who holds the lock: it may have outlived supervisord."""
        if self._supervisor.is_running():
            self._supervisor.end_task(_NAME, _STOP_S)
        left = [each for each in orphans.processes(self._folder.path) if each.pid == pid]
        orphans.end(left, _STOP_S)

    def forget_ended(self) -> None:
        """Take it out of supervision if it has ended."""
        self._supervisor.forget_ended_task(_NAME)
