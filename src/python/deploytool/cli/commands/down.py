"""deploytool down."""

import sys
import time

import click

from deploytool.canary.machine import Canary
from deploytool.cli.options import Options, common_options
from deploytool.cli.render.result import show
from deploytool.cli.session import open_session
from deploytool.errors import ExitCode, InvalidInput
from deploytool.operations.down import down


@click.command("down")
@click.option("--volumes", is_flag=True, help="Delete the data and everything else kept, too.")
@common_options
def command(options: Options, *, volumes: bool) -> int:
    """Stop everything that runs on the target. The data stays unless --volumes is given.

    Example: deploytool down --volumes --yes
    """
    if volumes and not options.is_sure:
        _ask(options)
    started = time.monotonic()
    with open_session(options, "down", record="anywhere") as session:
        ended = down(session.context, remove_volumes=volumes)
    kept = "its data is deleted" if volumes else "its data is kept"
    seconds = time.monotonic() - started
    show(
        options,
        {
            "target": options.target,
            "volumes_deleted": volumes,
            "canary_ended": ended and {"run": ended.run, "phase": ended.phase},
        },
        f"{_ended(ended)}down: nothing runs on {options.target}, {kept} ({seconds:.1f} s)",
    )
    return ExitCode.DONE


def _ended(canary: Canary | None) -> str:
    """Return the line about a canary that ended with the target."""
    if canary is None:
        return ""
    return (
        f"canary:  {canary.canary.id} of {canary.component} was {canary.phase} and is gone; "
        f"stable is {canary.stable.id}\n"
    )


def _ask(options: Options) -> None:
    question = f"Delete all data of target {options.target!r}?"
    if not sys.stdin.isatty() or not click.confirm(question, err=True):
        raise InvalidInput(
            f"the data of {options.target} was not deleted",
            why="nobody confirmed it",
            hint="`deploytool down --volumes --yes` does not ask",
        )
