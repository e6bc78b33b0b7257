"""Failures: what, where, why, what still holds, what to do; one line each, on standard error."""

import json

import click

from deploytool.cli.calling import DEFAULT_TARGET, as_called
from deploytool.cli.output import tell
from deploytool.errors import DeployError


def render_failure(error: DeployError, *, is_json: bool, target: str = DEFAULT_TARGET) -> None:
    """Print the error; as JSON on standard output as well when that was asked for."""
    fields = {name: as_called(text, target) for name, text in error.as_dict().items()}
    if is_json:
        tell(json.dumps(fields))
    code = fields.pop("error")
    tell(f"{click.style('error', fg='red', bold=True)}: {code}", is_error=True)
    for name, text in fields.items():
        first, *others = text.splitlines() or [""]
        tell(f"  {name + ':':<6} {first}", is_error=True)
        for line in others:
            tell(f"         {line}", is_error=True)
