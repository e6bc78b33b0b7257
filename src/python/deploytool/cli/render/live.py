"""The live view: redraws a screen in place while a command works, and leaves its last state."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import IO, Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from deploytool.cli.render.progress import Progress
from deploytool.cli.render.screen import render
from deploytool.record.event import Event
from deploytool.traffic.load.counts import LoadCounts

_REDRAWS_PER_SECOND = 4


class TrafficSource(Protocol):
    """What sends the traffic, as far as the view needs it."""

    def snapshot(self) -> LoadCounts:
        """Return the counts up to now."""


class LiveView:
    """Takes events, and redraws by itself from when it is entered until it is left.

    stream: a terminal. Whatever else is printed to standard error meanwhile appears above.
    """

    def __init__(
        self,
        stream: IO[str],
        command: str,
        clock: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        self._clock = clock
        self._progress = Progress(command=command, began=clock())
        self._traffic: TrafficSource | None = None
        # Events come from the thread that works, redraws from one of rich's.
        self._lock = threading.Lock()
        self._console = Console(file=stream, highlight=False)
        self._live = Live(
            console=self._console,
            get_renderable=self._screen,
            refresh_per_second=_REDRAWS_PER_SECOND,
            # Standard output is for results, also where both are the same terminal.
            redirect_stdout=False,
        )

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Draw the last state and give the terminal back, cursor and all, if it is still there."""
        with suppress(OSError):
            self._live.stop()

    def __call__(self, event: Event) -> None:
        """Take in an event; it is seen with the next redraw."""
        with self._lock:
            if event.event == "load-started":
                self._traffic = event.view
            self._progress = self._progress.after(event, self._clock())

    def _screen(self) -> Text:
        with self._lock:
            if self._traffic is not None:
                # A load that broke down says so to the operation, when that ends it.
                with suppress(Exception):
                    self._progress = self._progress.with_load(self._traffic.snapshot())
            width, height = self._console.size
            return render(self._progress, self._clock(), width, height)
