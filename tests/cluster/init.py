"""The node's first process: starts its programs, starts again whichever ends, reaps orphans.

It needs no orderly end: killed, it takes its namespaces and all that is in them with it. Who wants
one program gone for a while makes a file of its name in layout.HELD.
"""

import os
import signal
import ssl
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from tests.cluster.credentials import authority
from tests.cluster.layout import HELD, log
from tests.cluster.programs import Program, programs

_TICK_S = 0.1
# Between two starts of the same program: one that fails at once does not fill its log.
_PAUSE_S = 0.5
_ASK_TIMEOUT_S = 1
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Init:
    """Holds the node's programs as they should be."""

    def __init__(self, wanted: Sequence[Program]) -> None:
        self._wanted = wanted
        self._running: dict[str, int] = {}
        self._not_before: dict[str, float] = {}

    def run(self) -> None:
        """Do so for ever."""
        while True:
            self._reap()
            # Several wait for the same answer.
            is_well = cache(answers_well)
            for program in self._wanted:
                self._settle(program, is_well)
            time.sleep(_TICK_S)

    def _settle(self, program: Program, is_well: Callable[[str], bool]) -> None:
        pid = self._running.get(program.name)
        is_held = (HELD / program.name).exists()
        if pid is not None and is_held:
            os.kill(pid, signal.SIGKILL)
        elif pid is None and not is_held and self._is_due(program, is_well):
            self._running[program.name] = start(program)

    def _is_due(self, program: Program, is_well: Callable[[str], bool]) -> bool:
        if time.monotonic() < self._not_before.get(program.name, 0):
            return False
        return program.after is None or is_well(program.after)

    def _reap(self) -> None:
        """Take in everything that ended, containers' orphans too, for whom this is the parent."""
        while True:
            try:
                ended, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not ended:
                return
            for name in [name for name, pid in self._running.items() if pid == ended]:
                del self._running[name]
                self._not_before[name] = time.monotonic() + _PAUSE_S


def start(program: Program) -> int:
    """Start a program that writes to its log; return its process."""
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawnp(
        program.argv[0],
        [*program.argv],
        {"PATH": _PATH},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log(program.name)), append, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def answers_well(url: str) -> bool:
    """Tell whether a server of the node says that it is ready."""
    try:
        with urlopen(url, timeout=_ASK_TIMEOUT_S, context=_trusted()):  # noqa: S310
            return True
    except (OSError, HTTPException):
        return False


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority())


if __name__ == "__main__":
    Init(programs(Path(sys.argv[1]))).run()
