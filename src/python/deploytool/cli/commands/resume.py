"""deploytool resume."""

import time

import click

from deploytool.cli.options import Options, common_options
from deploytool.cli.render.canary import show_canary
from deploytool.cli.session import open_session
from deploytool.cli.traffic import traffic_options
from deploytool.operations.decisions import resume
from deploytool.operations.load import Traffic


@click.command("resume")
@traffic_options
@common_options
def command(options: Options, traffic: Traffic) -> int:
    """Go on with an interrupted or held canary, with the evidence it had.

    Exits as `canary` does: 0 promoted, 4 rolled back on evidence, 5 held.

    Example: deploytool resume
    """
    started = time.monotonic()
    with open_session(options, "resume", is_live=True) as session:
        result = resume(session.context, traffic)
        session.end.exit_code = result.exit_code
        session.end.reason = result.reason
    show_canary(options, result, time.monotonic() - started)
    return result.exit_code
