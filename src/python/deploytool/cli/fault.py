"""An exception that nobody had expected, as a failure like others: one line, and a way out."""

import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deploytool.errors import DeployError, ToolFault

if TYPE_CHECKING:  # every command would wait for the whole verdict, `--help` too
    from deploytool.canary.machine import Canary

# These exceptions are handled elsewhere, and pass.
EXPECTED = (
    DeployError,
    click.ClickException,
    click.exceptions.Exit,
    click.Abort,
    BrokenPipeError,
)


def tool_fault(fault: Exception, left: "Canary | None" = None) -> ToolFault:
    """Return what to tell of an unexpected exception. left: the canary that is left half way."""
    words = str(fault).strip().splitlines()
    what = ": ".join([type(fault).__name__, *words[:1]])
    way_out = "`deploytool status` shows where it stands"
    note = ""
    if left is not None:
        note = (
            f"the canary of {left.component} is left at {left.position}: nothing of it was undone"
        )
        way_out = "`deploytool resume` goes on, `deploytool abort` takes the canary back"
    return ToolFault(
        what,
        why=f"this is a fault of deploytool itself{_origin(fault)}",
        note=note,
        hint=f"{way_out}; with --debug the traceback is shown, which a report of the fault needs",
    )


def _origin(fault: Exception) -> str:
    frames = traceback.extract_tb(fault.__traceback__)
    return f", at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
