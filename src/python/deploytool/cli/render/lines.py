"""Events as lines: what is shown where there is no terminal, and for short commands."""

from datetime import datetime
from typing import IO

from deploytool.record.event import Event

# For the record: a person knows that the command began, and sees results and steps elsewhere.
UNSHOWN = frozenset(
    {"command-started", "command-ended", "evidence-begun", "evidence-continued", "step-begun"}
)


class LineView:
    """Prints one line for each event."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        """Print the event."""
        if event.event not in UNSHOWN:
            print(line_of(event, datetime.now().astimezone()), file=self._stream, flush=True)


def line_of(event: Event, now: datetime) -> str:
    """Return the event as one line: time, what happened to what, and why."""
    took = f"({event.duration_s:.1f} s)" if event.duration_s is not None else ""
    result = event.result if event.result not in {"ok", ""} else ""
    parts = [event.event.replace("-", " "), event.object, result, took]
    line = f"{now:%H:%M:%S}  {' '.join(part for part in parts if part)}"
    return f"{line}: {event.reason}" if event.reason else line
