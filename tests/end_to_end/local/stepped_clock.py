"""Runs deploytool's command line, for which the clock is set once its canary was observed.

Usage: stepped_clock.py SECONDS ARGUMENTS. The clock is that of this process alone. Needs the
packaged deploytool on its path, and changes nothing else of it.
"""

import os
import runpy
import sys
import time

from deploytool.record.file_store import FileStore
from deploytool.record.store import TargetState

seconds = float(sys.argv.pop(1))
# Of this start alone: the programs that deploytool starts must not see it.
os.environ.pop("PEX_INTERPRETER", None)
read_clock = time.time
save = FileStore.save
step_s = 0.0


def save_and_step(self: FileStore, state: TargetState) -> None:
    global step_s  # noqa: PLW0603 - there is one clock
    save(self, state)
    if state.canary and state.canary.evidence and state.canary.evidence.polls:
        step_s = seconds


FileStore.save = save_and_step  # type: ignore[method-assign]
time.time = lambda: read_clock() + step_s
# Imported only now: some remember the clock from their import on.
runpy.run_module("deploytool.cli.main", run_name="__main__")
