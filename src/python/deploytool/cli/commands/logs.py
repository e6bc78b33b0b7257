"""deploytool logs."""

import json

import click

from deploytool.cli.options import Options, common_options
from deploytool.cli.session import open_session
from deploytool.errors import ExitCode, InvalidInput
from deploytool.platforms.base import LogLine
from deploytool.system.declaration import System

_COLOURS = ("cyan", "magenta", "yellow", "green", "blue")


@click.command("logs")
@click.argument("components", nargs=-1)
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes.")
@click.option(
    "--lines", type=click.IntRange(min=0), default=50, show_default=True, help="Last lines of each."
)
@common_options
def command(options: Options, components: tuple[str, ...], lines: int, *, follow: bool) -> int:
    """Show what COMPONENTS (all, if none is named) print.

    Example: deploytool logs -f new-microservice
    """
    with open_session(options, "logs", is_quiet=True) as session:
        names = _chosen(session.context.system, components)
        width = max(len(name) for name in names)
        for line in session.context.platform.logs(
            names, lines=lines, follow=follow, is_stopped=lambda: False
        ):
            click.echo(_json(line) if options.is_json else _text(line, names, width))
    return ExitCode.DONE


def _chosen(system: System, components: tuple[str, ...]) -> list[str]:
    for name in components:
        if name not in system.components:
            raise InvalidInput(
                f"component {name!r} is unknown",
                why=f"system.yaml declares {', '.join(system.components)}",
                hint="name one of these",
            )
    return list(components or system.components)


def _json(line: LogLine) -> str:
    return json.dumps({"component": line.component, "role": line.role, "text": line.text})


def _text(line: LogLine, names: list[str], width: int) -> str:
    colour = _COLOURS[names.index(line.component) % len(_COLOURS)]
    return f"{click.style(f'{line.component:<{width}} {line.role:<6}', fg=colour)} {line.text}"
