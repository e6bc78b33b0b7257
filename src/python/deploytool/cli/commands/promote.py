"""deploytool promote."""

import time

import click

from deploytool.cli.options import Options, common_options
from deploytool.cli.render.canary import canary_as_dict, canary_as_text
from deploytool.cli.render.result import show
from deploytool.cli.session import open_session
from deploytool.errors import ExitCode
from deploytool.operations.decisions import promote


@click.command("promote")
@common_options
def command(options: Options) -> int:
    """Make a held or interrupted canary stable, without more evidence.

    Example: deploytool promote
    """
    started = time.monotonic()
    with open_session(options, "promote") as session:
        result = promote(session.context)
    show(options, canary_as_dict(result), canary_as_text(result, time.monotonic() - started))
    return ExitCode.DONE
