"""deploytool load."""

import click

from deploytool.cli.options import Options, common_options
from deploytool.cli.render.failure import render_failure
from deploytool.cli.render.result import show
from deploytool.cli.render.traffic import data_notes
from deploytool.cli.session import open_session
from deploytool.operations.load import Traffic, run_load


@click.command("load")
@click.option(
    "--load",
    "--rps",
    "rate",
    type=click.FloatRange(min=0, min_open=True, max=10_000),
    metavar="RPS",
    help="Requests per second.  [default: system.yaml]",
)
@click.option(
    "--duration",
    type=click.FloatRange(min=1, max=3600),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="How long.",
)
@common_options
def command(options: Options, rate: float | None, duration: float) -> int:
    """Send the declared traffic, then check that nothing acknowledged is lost.

    Exits 1 when something is, or when rows break an invariant that did not before.

    Example: deploytool load --load 50 --duration 30
    """
    with open_session(options, "load", is_live=True) as session:
        result = run_load(session.context, Traffic(rate=rate), duration)
        failure = result.failure
        if failure is not None:
            session.end.exit_code = failure.exit_code
            session.end.reason = f"{failure.what}: {failure.why}"
    show(options, result, "\n".join([result.counts.summary(), *data_notes(result)]))
    if failure is not None:
        render_failure(failure, is_json=False, target=options.target)
    return session.end.exit_code
