"""deploytool status."""

import click

from deploytool.cli.options import Options, common_options
from deploytool.cli.render.result import show
from deploytool.cli.render.status import status_as_text
from deploytool.cli.render.text import terminal_width
from deploytool.cli.session import open_session
from deploytool.errors import ExitCode
from deploytool.operations.status import status


@click.command("status")
@common_options
def command(options: Options) -> int:
    """Show what runs, and what is in the middle of what; works beside a running operation.

    Example: deploytool status --output json
    """
    with open_session(options, "status", record="if-possible") as session:
        now = status(session.context)
    show(options, now, status_as_text(now, terminal_width()))
    return ExitCode.DONE
