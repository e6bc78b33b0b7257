"""A canary in the status: the live view's picture of it, from what is saved."""

from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO

from rich.console import Console
from rich.text import Text

from deploytool.canary.machine import Phase
from deploytool.cli.render.progress import Progress
from deploytool.cli.render.screen import canary_lines, difference_lines
from deploytool.operations.status import Status
from deploytool.operations.view import CanaryView
from deploytool.record.event import Event


def canary_status(status: Status, canary: CanaryView, width: int) -> str:
    """Return where the canary stands and why, with escape codes; no line is wider than width."""
    now = datetime.fromtimestamp(canary.since + canary.elapsed_s, tz=UTC)
    title = f"canary of {canary.component}: {canary.canary} against stable {canary.stable}"
    lines = [
        Text(title, style="bold"),
        *difference_lines(canary, width),
        *canary_lines(_progress(status, canary, now), now, width),
    ]
    console = Console(file=StringIO(), force_terminal=True, width=width, highlight=False)
    with console.capture() as captured:
        console.print(Text("\n").join(lines), soft_wrap=True)
    return captured.get().rstrip("\n")


def _progress(status: Status, canary: CanaryView, now: datetime) -> Progress:
    """Return what the live view would know if it began now."""
    is_interrupted = status.is_canary_interrupted and canary.phase is not Phase.HELD
    # An interruption does not count for the time of the step.
    view = replace(canary, limit_s=None) if is_interrupted else canary
    seen = Event("canary-seen", reason=canary.reason, view=view)
    progress = Progress(command="status", began=now).after(seen, now)
    if (evidence := status.evidence) is not None:
        progress = replace(
            progress,
            figures=evidence.figures,
            verdict=evidence.decision,
            sentence=evidence.sentence,
        )
    return replace(progress, result="interrupted") if is_interrupted else progress
