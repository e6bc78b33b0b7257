"""deploytool promote."""

import time

import click

from deploytool.cli.options import Options, common_options
from deploytool.cli.render.canary import show_canary
from deploytool.cli.session import open_session
from deploytool.operations.decisions import promote


@click.command("promote")
@common_options
def command(options: Options) -> int:
    """Make a canary stable without more evidence: one that runs, is held or was interrupted.

    One that another process runs is promoted by that process; this one waits for it. Exits 4 when
    it was rolled back on evidence before.

    Example: deploytool promote
    """
    started = time.monotonic()
    with open_session(options, "promote") as session:
        result = promote(session.context)
        session.end.exit_code = result.exit_code
        session.end.reason = result.reason
    show_canary(options, result, time.monotonic() - started)
    return result.exit_code
