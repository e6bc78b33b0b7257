"""deploytool version."""

import click

from deploytool.cli.options import Options, common_options
from deploytool.cli.render.result import show
from deploytool.errors import ExitCode
from deploytool.version import VERSION


@click.command("version")
@common_options
def command(options: Options) -> int:
    """Print deploytool's version."""
    show(options, {"version": VERSION}, f"deploytool {VERSION}")
    return ExitCode.DONE
