"""deploytool logs."""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import click

from deploytool.cli.options import Options, common_options
from deploytool.cli.session import open_session
from deploytool.errors import ExitCode, InvalidInput
from deploytool.platforms.base import LogLine, Role
from deploytool.system.declaration import System

_COLOURS = ("cyan", "magenta", "yellow", "green", "blue")
_LINES = 50
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Duration(click.ParamType[float]):
    """Seconds, from what is written with units: 30s, 10m, 1h30m, 2d."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds."""
        text = str(value)
        if not re.fullmatch(r"(\d+[smhd])+", text):
            self.fail(f"{text!r} is no time: write 30s, 10m, 1h30m or 2d", param, ctx)
        return float(sum(int(n) * _UNITS_S[unit] for n, unit in re.findall(r"(\d+)(.)", text)))


class Pattern(click.ParamType[re.Pattern[str]]):
    """A regular expression."""

    name = "regex"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> re.Pattern[str]:
        """Return the compiled expression."""
        try:
            return re.compile(str(value))
        except re.error as error:
            self.fail(f"{value!r} is no regular expression: {error}", param, ctx)


@click.command("logs")
@click.argument("components", nargs=-1)
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes.")
@click.option(
    "--lines",
    type=click.IntRange(min=0),
    help=f"Last lines of each process.  [default: {_LINES}; with --since all]",
)
@click.option("--since", type=Duration(), help="Only what is not older: 30s, 10m, 1h30m, 2d.")
@click.option(
    "--include", type=Pattern(), multiple=True, help="Only lines in which one of these is found."
)
@click.option(
    "--exclude", type=Pattern(), multiple=True, help="No lines in which one of these is found."
)
@common_options
def command(
    options: Options,
    components: tuple[str, ...],
    lines: int | None,
    since: float | None,
    include: tuple[re.Pattern[str], ...],
    exclude: tuple[re.Pattern[str], ...],
    *,
    follow: bool,
) -> int:
    """Show what COMPONENTS (all, if none is named) print.

    Example: deploytool logs -f new-microservice --since 10m --exclude /livez
    """
    with open_session(options, "logs", is_quiet=True, record="if-possible") as session:
        names = _chosen(session.context.system, components)
        found = session.context.platform.logs(
            names,
            lines=_LINES if lines is None and since is None else lines,
            since_s=since,
            follow=follow,
            is_stopped=lambda: False,
        )
        columns = Columns(names)
        for line in chosen_lines(found, include, exclude):
            if options.is_json:
                write(json_line(line))
            else:
                click.echo(columns.text(line))
    return ExitCode.DONE


def chosen_lines(
    lines: Iterable[LogLine],
    include: Iterable[re.Pattern[str]],
    exclude: Iterable[re.Pattern[str]],
) -> Iterator[LogLine]:
    """Yield the lines that the patterns let through, and all notes. No include: all."""
    wanted, unwanted = tuple(include), tuple(exclude)
    if not wanted and not unwanted:
        yield from lines
        return
    for line in lines:
        is_wanted = not wanted or any(pattern.search(line.text) for pattern in wanted)
        is_unwanted = any(pattern.search(line.text) for pattern in unwanted)
        if line.is_note or (is_wanted and not is_unwanted):
            yield line


def _chosen(system: System, components: tuple[str, ...]) -> list[str]:
    for name in components:
        if name not in system.components:
            raise InvalidInput(
                f"component {name!r} is unknown",
                why=f"system.yaml declares {', '.join(system.components)}",
                hint="name one of these",
            )
    return list(components or system.components)


def json_line(line: LogLine) -> str:
    """Return a line as an object of JSON."""
    head = _json_head(line.component, line.role, line.revision, line.instance)
    note = ', "note": true' if line.is_note else ""
    return f'{head}, "text": {json.dumps(line.text)}{note}}}'


# The same for all lines of a process, of which there may be tens of thousands a second.
@cache
def _json_head(component: str, role: Role, revision: str, instance: str) -> str:
    fields = {"component": component, "role": role, "revision": revision, "instance": instance}
    return json.dumps(fields).removesuffix("}")


def write(text: str) -> None:
    """Write a line at once, as somebody looks on; three times as fast as click does it."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class Columns:
    """Who wrote a line, in front of it. names: the components that are shown."""

    names: list[str]

    def text(self, line: LogLine) -> str:
        """Return a line as people see it: a note in brackets, a pod by the end of its name."""
        width = max(map(len, self.names))
        process = f" {line.instance.rpartition('-')[2]}" if line.instance else ""
        revision = f" {line.revision[:7]:<7}" if line.instance else ""
        who = f"{line.component:<{width}} {line.role:<6}{revision}{process}"
        colour = _COLOURS[self.names.index(line.component) % len(_COLOURS)]
        words = click.style(f"({line.text})", italic=True) if line.is_note else line.text
        return f"{click.style(who, fg=colour)} {words}"
