"""deploytool canary."""

import time
from itertools import pairwise
from pathlib import Path

import click

from deploytool.cli.options import Name, Options, common_options
from deploytool.cli.release import release_option
from deploytool.cli.render.canary import (
    detached_as_dict,
    detached_as_text,
    show_canary,
)
from deploytool.cli.render.result import show
from deploytool.cli.session import Session, open_session, packaged_tool
from deploytool.cli.traffic import traffic_options
from deploytool.errors import ExitCode
from deploytool.operations.admission import admit
from deploytool.operations.canary import CanaryOptions, canary
from deploytool.operations.decisions import supersede
from deploytool.operations.detachment import detach
from deploytool.operations.load import Traffic


@click.command("canary")
@click.argument("component", required=False, type=Name())
@click.option(
    "--env",
    "environment",
    multiple=True,
    metavar="NAME=VALUE",
    help="Setting of the canary alone, part of its revision; may be repeated.",
)
@click.option("--steps", metavar="PERCENT,...", help="Weights.  [default: system.yaml]")
@click.option("--hold", is_flag=True, help="Do not promote; wait for `promote` or `abort`.")
@click.option(
    "--supersede", "is_superseding", is_flag=True, help="Abort the canary there is first."
)
@click.option("--detach", "is_detached", is_flag=True, help="Leave it to a process of its own.")
@release_option
@traffic_options
@common_options
def command(
    options: Options,
    component: str | None,
    environment: tuple[str, ...],
    steps: str | None,
    traffic: Traffic,
    release: Path | None,
    *,
    hold: bool,
    is_superseding: bool,
    is_detached: bool,
) -> int:
    """Replace COMPONENT (the one that changed, if none is named) on evidence.

    Exits 0 promoted (or detached), 4 rolled back on evidence, 5 held, 6 another operation runs.

    Example: deploytool canary new-microservice --env INVENTORY_FAULT=error:0.2

    (or =status:404:0.2, =hang:0.02, =late:60s:error:1: docs/canary.md lists what can be tried)
    """
    started = time.monotonic()
    wanted = CanaryOptions(
        component=component,
        environment=_environment(environment),
        steps=_steps(steps),
        traffic=traffic,
        is_held_at_end=hold,
    )
    tool = packaged_tool() if is_detached else None
    with open_session(options, "canary", is_live=tool is None, release=release) as session:
        admit(session.context)
        if is_superseding:
            supersede(
                session.context,
                (component,) if component else tuple(session.context.system.services),
            )
        if tool is not None:
            return _detach(session, options, wanted, tool)
        result = canary(session.context, wanted)
        session.end.exit_code = result.exit_code
        session.end.reason = result.reason
    show_canary(options, result, time.monotonic() - started)
    return result.exit_code


def _detach(session: Session, options: Options, wanted: CanaryOptions, tool: Path) -> int:
    left = detach(session.context, wanted, tool, _resumption(options, wanted.traffic))
    session.end.reason = f"left to a process of its own, which writes to {left.log}"
    show(options, detached_as_dict(left), detached_as_text(left))
    return ExitCode.DONE


def _resumption(options: Options, traffic: Traffic) -> tuple[str, ...]:
    """Return the arguments with which this tool carries on what was begun with these options."""
    load: tuple[str, ...] = ()
    if not traffic.is_wanted:
        load = ("--no-load",)
    elif traffic.rate is not None:
        load = ("--load", str(traffic.rate))
    timeout = ("--timeout", str(options.timeout_s))
    return ("--target", options.target, "resume", *timeout, *load)


def _environment(assignments: tuple[str, ...]) -> dict[str, str]:
    environment = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not (name and equals):
            raise click.BadParameter(
                f"{assignment!r} is not NAME=VALUE",
                click.get_current_context(),
                param_hint="--env",
            )
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
            click.get_current_context(),
            param_hint="--steps",
        )
    return steps
