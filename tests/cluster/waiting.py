"""Waits that end, and that say what they waited for and what the program concerned wrote last."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

_LOG = logging.getLogger(__name__)
_ASK_EACH_S = 0.2
_SHOWN_LINES = 15


class ClusterFailed(Exception):
    """The cluster could not be brought into the wanted state; the text says why."""


def wait_until(what: str, is_so: Callable[[], bool], *, timeout_s: float, log: Path) -> None:
    """Wait for a condition. Raises ClusterFailed with the end of the log when it takes too long."""
    if is_so():
        return
    _LOG.info("waiting for %s", what)
    deadline = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > deadline:
            raise ClusterFailed(f"waited {timeout_s:.0f} s in vain for {what}\n{last_lines(log)}")
        time.sleep(_ASK_EACH_S)


def last_lines(log: Path) -> str:
    """Return the end of a log under its name."""
    try:
        lines = log.read_text(errors="replace").splitlines()[-_SHOWN_LINES:]
    except FileNotFoundError:
        return f"{log} was not written"
    return "\n".join((f"the end of {log}:", *(f"  {line}" for line in lines)))
