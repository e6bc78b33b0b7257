"""deploytool rollback."""

import time

import click

from deploytool.cli.options import Name, Options, common_options
from deploytool.cli.render.result import show
from deploytool.cli.session import open_session
from deploytool.errors import ExitCode
from deploytool.operations.rollback import rollback


@click.command("rollback")
@click.argument("component", required=False, type=Name())
@click.option(
    "--to",
    type=Name(),
    metavar="REVISION",
    help="Earlier revision.  [default: the latest that was not rolled back from]",
)
@common_options
def command(options: Options, component: str | None, to: str | None) -> int:
    """Go back to an earlier revision of COMPONENT, without losing a request.

    Example: deploytool rollback new-microservice
    """
    started = time.monotonic()
    with open_session(options, "rollback") as session:
        ended = rollback(session.context, component, to)
    seconds = time.monotonic() - started
    show(
        options,
        {"component": ended.component, "from": ended.stable.id, "to": ended.canary.id},
        f"rolled back: {ended.component} {ended.stable.id} -> {ended.canary.id} ({seconds:.1f} s)",
    )
    return ExitCode.DONE
