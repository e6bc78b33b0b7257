"""Runs deploytool's command line, and dies at one transition as if by `kill -9`.

Usage: killed.py STORE before|after FROM TO ARGUMENTS. It dies right before the state is saved that
makes the transition, when it is on record already, or right after. STORE is MODULE:CLASS of the
target's store; FROM is "none" where a replacement begins. Needs the packaged deploytool on its
path, and changes nothing else of it.
"""

import os
import signal
import sys
from importlib import import_module

from deploytool.canary.machine import Phase
from deploytool.cli.main import main
from deploytool.record.store import TargetState, TargetStore

module, _, name = sys.argv[1].partition(":")
store = getattr(import_module(module), name)
moment, *transition = sys.argv[2:5]
del sys.argv[1:5]
# Of this start alone: the programs that deploytool starts must not see it.
os.environ.pop("PEX_INTERPRETER", None)
save = store.save


def save_and_die(self: TargetStore, state: TargetState) -> None:
    is_it = made(self.load(), state) == transition
    if is_it and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    save(self, state)
    if is_it:
        os.kill(os.getpid(), signal.SIGKILL)


def made(before: TargetState, after: TargetState) -> list[str]:
    """Return the phases between which a save moves; none when it moves nothing."""
    if position(before) == position(after):
        return []
    return [phase(before) or "none", phase(after) or ended(before, after)]


def position(state: TargetState) -> tuple[str, int]:
    return phase(state), state.canary.step if state.canary else 0


def phase(state: TargetState) -> str:
    return state.canary.phase if state.canary else ""


def ended(before: TargetState, after: TargetState) -> str:
    return Phase.ROLLED_BACK if before.stable == after.stable else Phase.PROMOTED


store.save = save_and_die
main()
