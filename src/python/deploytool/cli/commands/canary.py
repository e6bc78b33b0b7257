"""deploytool canary."""

import time
from itertools import pairwise

import click

from deploytool.cli.options import Options, common_options
from deploytool.cli.render.canary import canary_as_dict, canary_as_text
from deploytool.cli.render.result import show
from deploytool.cli.session import open_session
from deploytool.cli.traffic import traffic_options
from deploytool.operations.canary import CanaryOptions, canary
from deploytool.operations.load import Traffic


@click.command("canary")
@click.argument("component", required=False)
@click.option(
    "--env",
    "environment",
    multiple=True,
    metavar="NAME=VALUE",
    help="Setting of the canary alone, part of its revision; may be repeated.",
)
@click.option("--steps", metavar="PERCENT,...", help="Weights.  [default: system.yaml]")
@click.option("--hold", is_flag=True, help="Do not promote; wait for `promote` or `abort`.")
@traffic_options
@common_options
def command(
    options: Options,
    component: str | None,
    environment: tuple[str, ...],
    steps: str | None,
    traffic: Traffic,
    *,
    hold: bool,
) -> int:
    """Replace COMPONENT (the one that changed, if none is named) on evidence.

    Exits 0 promoted, 4 rolled back on evidence, 5 held, 6 another operation runs.

    Example: deploytool canary new-microservice --env INVENTORY_FAULT=error:0.2
    """
    started = time.monotonic()
    wanted = CanaryOptions(
        component=component,
        environment=_environment(environment),
        steps=_steps(steps),
        traffic=traffic,
        is_held_at_end=hold,
    )
    with open_session(options, "canary", is_live=True) as session:
        result = canary(session.context, wanted)
        session.end.exit_code = result.exit_code
        session.end.reason = result.canary.decision
    show(options, canary_as_dict(result), canary_as_text(result, time.monotonic() - started))
    return result.exit_code


def _environment(assignments: tuple[str, ...]) -> dict[str, str]:
    environment = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"{assignment!r} is not NAME=VALUE", param_hint="--env")
        environment[name] = value
    return environment


def _steps(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        steps = tuple(int(part) for part in text.split(","))
    except ValueError:
        steps = ()
    rising = all(a < b for a, b in pairwise(steps))
    if not steps or not rising or not all(0 < step < 100 for step in steps):  # noqa: PLR2004
        raise click.BadParameter(
            f"{text!r} is not a list of rising percentages below 100, such as 10,25,50",
            param_hint="--steps",
        )
    return steps
