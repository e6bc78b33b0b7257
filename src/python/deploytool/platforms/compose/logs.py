"""What components wrote: `docker compose logs`, line by line."""

import math
import queue
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

from deploytool.platforms.base import LogLine, Role

_POLL_S = 0.2
_END_S = 5.0
# Compose clears the line of a terminal before it writes one, be there a terminal or not.
_ERASE = "\x1b[2K"


def read_logs(
    argv: Sequence[str],
    environment: Mapping[str, str],
    services: Mapping[str, tuple[str, Role]],
    *,
    is_stopped: Callable[[], bool],
) -> Iterator[LogLine]:
    """Yield what the command prints, until it ends or is stopped.

    services: the component and the role of each service.
    """
    with subprocess.Popen(
        argv,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=_read, args=(process, lines), daemon=True).start()
        try:
            while not is_stopped():
                try:
                    line = lines.get(timeout=_POLL_S)
                except queue.Empty:
                    continue
                if line is None:
                    return
                if (found := parse_line(line, services)) is not None:
                    yield found
        finally:
            process.terminate()
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()


def limits(lines: int | None, since_s: float | None, *, follow: bool) -> list[str]:
    """Return the options of `docker compose logs` for where to begin and whether to go on."""
    tail = "all" if lines is None else str(lines)
    since = [] if since_s is None else [f"--since={math.ceil(since_s)}s"]
    return [f"--tail={tail}", *since, *(["--follow"] if follow else [])]


def parse_line(line: str, services: Mapping[str, tuple[str, Role]]) -> LogLine | None:
    """Return a line of `docker compose logs`; None for one that no known service wrote.

    It stands behind the name of the service and the container's number: `web-1  | text`.
    """
    name, separator, text = line.partition("| ")
    service = name.removeprefix(_ERASE).strip().rpartition("-")[0]
    if not separator or service not in services:
        return None
    component, role = services[service]
    return LogLine(component, role, text.rstrip("\n"))


def _read(process: "subprocess.Popen[str]", lines: "queue.Queue[str | None]") -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put(None)
