"""Options that every command takes, before or after its name."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

from deploytool.cli.calling import DEFAULT_TARGET
from deploytool.cli.fault import EXPECTED, tool_fault
from deploytool.cli.render.failure import render_failure
from deploytool.errors import DeployError

# No single wait of an operation lasts longer.
DEFAULT_TIMEOUT_S = 120.0


class Name(click.ParamType[str]):
    """A name that is not empty: a shell makes an empty word of a variable that is not set."""

    name = "text"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return the name."""
        text = str(value)
        if not text.strip():
            self.fail("it is empty: leave it out, or name something", param, ctx)
        return text


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """What stood before the command's name; None where nothing did."""

    target: str | None = None
    output: str | None = None
    is_debug: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """The common options of one call. timeout_s: limit of every single wait, in seconds."""

    target: str
    is_json: bool
    is_sure: bool
    timeout_s: float


def common_options(function: Callable[..., int]) -> Callable[..., int]:
    """Give a command the common options; it is called with `options: Options` first.

    What it raises is shown here, in the form that was asked for, and becomes its exit code.
    """

    @click.option(
        "--target", type=Name(), help="Target of targets.yaml to work on.  [default: local]"
    )
    @click.option(
        "--output",
        type=click.Choice(["text", "json"]),
        help="json: one object on standard output, all else on standard error.  [default: text]",
    )
    @click.option("--yes", is_flag=True, help="Do not ask before something is destroyed.")
    @click.option(
        "--timeout",
        type=click.FloatRange(min=1),
        default=DEFAULT_TIMEOUT_S,
        show_default=True,
        metavar="SECONDS",
        help="Limit of every single wait.",
    )
    @click.option("--debug", is_flag=True, help="Show the traceback of an error.")
    @wraps(function)
    def command(
        *,
        target: str | None,
        output: str | None,
        yes: bool,
        timeout: float,
        debug: bool,
        **arguments: Any,
    ) -> int:
        before: GlobalOptions = click.get_current_context().obj or GlobalOptions()
        options = Options(
            target=target or before.target or DEFAULT_TARGET,
            is_json=(output or before.output) == "json",
            is_sure=yes,
            timeout_s=timeout,
        )
        try:
            return function(options, **arguments)
        except Exception as error:
            if isinstance(error, EXPECTED) and not isinstance(error, DeployError):
                raise
            if debug or before.is_debug:
                traceback.print_exc()
            failure = error if isinstance(error, DeployError) else tool_fault(error)
            render_failure(failure, is_json=options.is_json, target=options.target)
            return failure.exit_code

    return command
