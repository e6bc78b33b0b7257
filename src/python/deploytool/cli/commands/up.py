"""deploytool up."""

import time

import click

from deploytool.cli.options import Options, common_options
from deploytool.cli.render.plan import plan_as_text
from deploytool.cli.render.result import show
from deploytool.cli.render.text import labelled
from deploytool.cli.session import open_session
from deploytool.errors import ExitCode
from deploytool.operations.up import up


@click.command("up")
@common_options
def command(options: Options) -> int:
    """Deploy what is declared and built; a second time changes nothing.

    A component that runs already is replaced without losing a request, but without evidence.

    Example: deploytool up --target local
    """
    started = time.monotonic()
    with open_session(options, "up") as session:
        plan = up(session.context)
        url = session.context.platform.gateway_url()
        addresses = session.context.addresses(url)
    seconds = time.monotonic() - started
    done = "nothing to change" if plan.is_empty else "done"
    show(
        options,
        {"changes": plan.changes, "counts": plan.counts(), "url": url, "addresses": addresses},
        f"{plan_as_text(plan)}\n{done} ({seconds:.1f} s), open:\n{labelled(addresses)}",
    )
    return ExitCode.DONE
