"""Usage errors of click, in the form that all other errors have."""

from difflib import get_close_matches

import click

from deploytool.errors import InvalidInput


def wrong_usage(error: click.ClickException) -> InvalidInput:
    """Return the error that says the same as click's, and what to do."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else "deploytool"
    help_hint = f"`{path} --help` tells what it takes"
    match error:
        case click.NoSuchCommand():
            names = _commands(context)
            near = get_close_matches(error.command_name, names, n=1)
            return InvalidInput(
                f"there is no command {error.command_name!r}",
                why=f"the commands are {', '.join(names)}",
                hint=f"did you mean `{path} {near[0]}`?"
                if near
                else f"`{path} --help` tells what each does",
            )
        case click.NoSuchOption():
            return InvalidInput(
                f"there is no option {error.option_name!r}",
                why=f"`{path}` does not take it",
                hint=f"did you mean {error.possibilities[0]}? {help_hint}"
                if error.possibilities
                else help_hint,
            )
        case click.MissingParameter(param=click.Parameter() as parameter):
            return InvalidInput(
                f"{parameter.get_error_hint(context)} is missing",
                why=f"`{path}` needs it",
                hint=help_hint,
            )
        case click.BadParameter():
            name = error.param_hint or (error.param and error.param.get_error_hint(context))
            return InvalidInput(
                f"the value of {name} is wrong" if name else "a value is wrong",
                why=error.message,
                hint=help_hint,
            )
    return InvalidInput("the command line is wrong", why=error.format_message(), hint=help_hint)


def _commands(context: click.Context | None) -> list[str]:
    group = context.command if context else None
    return group.list_commands(context) if context and isinstance(group, click.Group) else []
