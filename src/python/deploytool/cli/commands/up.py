"""deploytool up."""

import time
from pathlib import Path

import click

from deploytool.cli.options import Options, common_options
from deploytool.cli.release import release_option
from deploytool.cli.render.plan import plan_as_text
from deploytool.cli.render.result import show
from deploytool.cli.render.text import labelled
from deploytool.cli.session import open_session
from deploytool.errors import ExitCode
from deploytool.operations.admission import admit
from deploytool.operations.up import up


@click.command("up")
@release_option
@common_options
def command(options: Options, release: Path | None) -> int:
    """Deploy what is declared and built; a second time changes nothing.

    A component that runs already is replaced without losing a request, but without evidence.

    Example: deploytool up --target local
    """
    started = time.monotonic()
    with open_session(options, "up", release=release) as session:
        admit(session.context)
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
