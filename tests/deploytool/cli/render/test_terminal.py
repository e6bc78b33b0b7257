"""Where a live view is shown."""

import io
import os
import pty

from deploytool.cli.render.terminal import can_redraw


def test_only_a_terminal_that_can_redraw_and_knows_the_characters() -> None:
    master, slave = pty.openpty()
    try:
        with open(slave, "w", encoding="utf-8", closefd=False) as stream:
            assert can_redraw(stream, {"TERM": "xterm"})
            assert not can_redraw(stream, {"TERM": "dumb"})
            assert not can_redraw(stream, {})
        with open(slave, "w", encoding="latin-1", closefd=False) as stream:
            assert not can_redraw(stream, {"TERM": "xterm"})
    finally:
        os.close(slave)
        os.close(master)


def test_no_file_and_no_pipe() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    assert not can_redraw(stream, {"TERM": "xterm"})
