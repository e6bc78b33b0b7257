"""deploytool abort."""

import time

import click

from deploytool.cli.options import Options, common_options
from deploytool.cli.render.canary import show_canary
from deploytool.cli.session import open_session
from deploytool.errors import ExitCode
from deploytool.operations.decisions import abort


@click.command("abort")
@common_options
def command(options: Options) -> int:
    """Take a canary back: stable serves everything, the canary drains and is removed.

    One that another process runs is taken back by that process; this one waits for it.

    Example: deploytool abort
    """
    started = time.monotonic()
    with open_session(options, "abort", record="anywhere") as session:
        result = abort(session.context)
        session.end.reason = result.reason
    show_canary(options, result, time.monotonic() - started)
    return ExitCode.DONE
