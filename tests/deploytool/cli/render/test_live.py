"""The live view in a terminal: a pseudo-terminal with a real process behind it."""

import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from deploytool.cli.render.live import LiveView
from deploytool.record.event import Event
from deploytool.traffic.load.counts import LoadCounts

HIDE, SHOW = b"\x1b[?25l", b"\x1b[?25h"

# A command that tells of a canary and then waits until it is interrupted.
PROGRAM = """
import sys, time
from deploytool.cli.render.live import LiveView
from deploytool.record.event import Event
from tests.deploytool.cli.render.scenario import observing

try:
    with LiveView(sys.stderr, "canary") as tell:
        for event in observing().told:
            tell(event)
        try:
            for number in range(1000):
                tell(Event("note", reason=f"number {number}"))
                time.sleep(0.01)
        finally:
            tell(Event("command-ended", result="interrupted"))
except KeyboardInterrupt:
    print("after the view", file=sys.stderr)
    sys.exit(130)
"""


@dataclass
class Terminal:
    """A process in a pseudo-terminal, and what it wrote there."""

    process: subprocess.Popen[bytes]
    master: int
    written: bytearray = field(default_factory=bytearray)

    def reads(self, until: bytes, deadline_s: float = 10.0) -> None:
        limit = time.monotonic() + deadline_s
        while until not in self.written:
            assert time.monotonic() < limit, f"it did not write {until!r}"
            if select.select([self.master], [], [], 0.1)[0]:
                self.written += os.read(self.master, 65536)


@contextmanager
def terminal(**environment: str) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            "COLUMNS": "100",
            "LINES": "40",
            "PYTHONPATH": os.pathsep.join(sys.path),
            **environment,
        },
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def test_an_interrupt_leaves_the_last_state_and_a_clean_terminal() -> None:
    with terminal() as shown:
        shown.reads(b"number")
        shown.process.send_signal(signal.SIGINT)
        shown.reads(b"after the view")
        assert shown.process.wait(timeout=5) == 130
    last = bytes(shown.written).rpartition(HIDE)[2]
    assert SHOW in last, "the cursor stays hidden"
    screen, _, rest = last.rpartition(SHOW)
    assert b"interrupted: step 2/3" in re.sub(rb"\x1b\[[0-9;]*m", b"", screen)
    assert b"\x1b" not in rest, "the terminal is drawn on after the end"


def test_it_draws_four_times_a_second_however_much_happens() -> None:
    with terminal() as shown:
        shown.reads(b"number")
        shown.written.clear()
        began = time.monotonic()
        while time.monotonic() - began < 1.5:
            if select.select([shown.master], [], [], 0.1)[0]:
                shown.written += os.read(shown.master, 65536)
        draws = shown.written.count(b"canary of")
    assert 2 <= draws <= 7


def test_colours_are_left_out_where_none_are_wanted() -> None:
    with terminal() as coloured:
        coloured.reads(b"number")
    with terminal(NO_COLOR="1") as plain:
        plain.reads(b"number")
    assert b"\x1b[32m" in coloured.written
    assert b"\x1b[32m" not in plain.written


class Source:
    def snapshot(self) -> LoadCounts:
        return LoadCounts(requests=4390, elapsed_s=55.0)


class BrokenSource:
    def snapshot(self) -> LoadCounts:
        raise RuntimeError("the load broke down")


def test_traffic_is_looked_at_whenever_it_is_drawn() -> None:
    stream = io.StringIO()
    with LiveView(stream, "load") as tell:
        tell(Event("load-started", view=Source()))
    assert "traffic: 4390 requests in 55 s" in stream.getvalue()


def test_a_broken_load_does_not_break_the_view() -> None:
    """The operation hears of it when it ends the load."""
    stream = io.StringIO()
    with LiveView(stream, "load") as tell:
        tell(Event("load-started", view=BrokenSource()))
    assert "load started" in stream.getvalue()
