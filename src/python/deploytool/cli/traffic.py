"""The options that say what traffic goes along with an operation."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from deploytool.operations.load import Traffic


def traffic_options(function: Callable[..., int]) -> Callable[..., int]:
    """Give a command --load and --no-load; it is called with `traffic: Traffic`."""

    @click.option(
        "--load",
        "rate",
        type=click.FloatRange(min=0, min_open=True, max=10_000),
        metavar="RPS",
        help="Requests per second to send along.  [default: system.yaml's; none where the target "
        "has visitors]",
    )
    @click.option("--no-load", is_flag=True, help="Send none: there are real visitors.")
    @wraps(function)
    def command(*arguments: Any, rate: float | None, no_load: bool, **options: Any) -> int:
        if no_load and rate is not None:
            raise click.UsageError(
                "--load and --no-load exclude each other", click.get_current_context()
            )
        traffic = Traffic(is_wanted=not no_load, rate=rate)
        return function(*arguments, traffic=traffic, **options)

    return command
