"""The processes of a state folder, found by the mark in their environment, and their end."""

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from deploytool.platforms.local.folder import MARKER

# The order in which programs end, and by which signal. supervisord comes first, or it would
# start again what was ended; what is not named here is a service. PostgreSQL would wait for its
# clients on SIGTERM.
_SERVICE = ""
_POLL_S = 0.05
_ORDER = (
    ("supervisord", signal.SIGTERM),
    (_SERVICE, signal.SIGTERM),
    ("traefik", signal.SIGTERM),
    ("postgres", signal.SIGINT),
)


def processes(state: Path) -> list[psutil.Process]:
    """Return the living processes that belong to the state folder.

    This one does not count, which may be such a process itself (a detached operation).
    PostgreSQL's children overwrite their environment, but run from the folder's tools.
    """
    return [
        process
        for process in psutil.process_iter()
        if process.pid != os.getpid() and _belongs(process, state)
    ]


def end(found: Iterable[psutil.Process], grace_s: float) -> None:
    """End the processes, gracefully first; each kind gets that many seconds, then is killed."""
    kinds = [(process, _kind(process)) for process in found]
    for kind, how in _ORDER:
        ending = [process for process, its in kinds if its == kind]
        for process in ending:
            _send(process, how)
        stubborn = _left(ending, grace_s)
        for process in stubborn:
            _send(process, signal.SIGKILL)
        _left(stubborn, grace_s)


def _left(ending: Iterable[psutil.Process], grace_s: float) -> list[psutil.Process]:
    """Return those that still run after so many seconds.

    A process that has ended counts as ended before its parent has taken note: the parent of orphans
    is the first process of the machine or container, which may need seconds, or never do so.
    """
    deadline = time.monotonic() + grace_s
    while left := [process for process in ending if _runs(process)]:
        if time.monotonic() > deadline:
            break
        time.sleep(_POLL_S)
    return left


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _send(process: psutil.Process, how: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(how)


def _belongs(process: psutil.Process, state: Path) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if process.environ().get(MARKER) == str(state):
            return True
        return Path(process.exe()).is_relative_to(state / "tools")
    except (psutil.Error, OSError):
        return False


def _kind(process: psutil.Process) -> str:
    try:
        if "supervisor.supervisord" in process.cmdline():
            return "supervisord"
        name = process.name()
    except psutil.Error:
        return _SERVICE
    return name if name in {kind for kind, _ in _ORDER} else _SERVICE


def runs_from(folder: Path, state: Path) -> bool:
    """Tell whether a process of the state folder runs a program of the folder."""
    for process in processes(state):
        try:
            if process.cmdline() and Path(process.cmdline()[0]).is_relative_to(folder):
                return True
        except psutil.Error:
            continue
    return False
