"""How this deploytool was called: what it tells people to type is what they can type."""

import os
import re
from collections.abc import Mapping, Sequence

DEFAULT_TARGET = "local"
# This variable holds the words before a command's name, as a person types them.
_CALLED = "DEPLOYTOOL_CALLED"
_COMMAND = re.compile(r"`deploytool ([^`]+)`")


def as_called(text: str, target: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the text with each "`deploytool COMMAND`" in it as it has to be typed here.

    target: the one that was worked on; named where it is not the default.
    """
    called = environment.get(_CALLED, "deploytool")

    def typed(found: re.Match[str]) -> str:
        is_named = target == DEFAULT_TARGET or "--target" in found[1] or "--help" in found[1]
        return f"`{called} {found[1]}{'' if is_named else f' --target {target}'}`"

    return _COMMAND.sub(typed, text)


def last_value(arguments: Sequence[str], option: str, default: str) -> str:
    """Return what the command line gives an option, also where the line as a whole is wrong."""
    value = default
    for position, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument.startswith(f"{option}="):
            value = argument.removeprefix(f"{option}=")
        elif argument == option and position + 1 < len(arguments):
            value = arguments[position + 1]
    return value
