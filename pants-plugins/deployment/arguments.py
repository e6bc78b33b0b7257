"""What the run rule must know of the tool's command line and environment; free of Pants."""

from __future__ import annotations

import json
from typing import Collection, Mapping, Sequence

ARTIFACTS_VARIABLE = "DEPLOYTOOL_ARTIFACTS"
PROGRAMS_VARIABLE = "DEPLOYTOOL_PROGRAMS"
CALLED_VARIABLE = "DEPLOYTOOL_CALLED"
DEFAULT_TARGET = "local"

# $0 is a file that is there once the tool has started. Where it cannot be made, on a full disk for
# example, the tool starts all the same; a redirection of `:` itself that fails would end the shell.
_TELLING = """
if [ ! -e "$0" ]; then
  echo "a new build of the tool unpacks itself first (once)" >&2
  (: >"$0") 2>/dev/null || true
fi
exec "$@"
"""


def chosen_target(arguments: Sequence[str]) -> str:
    """Return the name that `--target NAME` or `--target=NAME` gives; the last one counts.

    A `--target` without a name is left to the tool to complain about.
    """
    target = DEFAULT_TARGET
    for position, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument.startswith("--target="):
            target = argument[len("--target=") :]
        elif argument == "--target" and position + 1 < len(arguments):
            target = arguments[position + 1]
    return target


def names_release(arguments: Sequence[str]) -> bool:
    """Tell whether `--release FILE` or `--release=FILE` is given: its images are built already."""
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return any(each == "--release" or each.startswith("--release=") for each in own)


def named_command(arguments: Sequence[str], commands: Collection[str]) -> str:
    """Return which of the tool's commands stands among the arguments; "" for none of them."""
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return next((each for each in own if each in commands), "")


def calling(pants: str, address: str, aliases: Mapping[str, str]) -> str:
    """Return what a person types before a command's name to run what stands at an address.

    `pants`: the name of the program. An alias of the address is taken for it.
    """
    names = [alias for alias, meaning in aliases.items() if meaning == address]
    return f"{pants} run {min(names, default=address)} --"


def telling(command: Sequence[str], started: str) -> tuple[str, ...]:
    """Return the command, told about where it starts for the first time: it may be silent long.

    `started`: path of a file that is made then.
    """
    return ("/bin/sh", "-c", _TELLING, started, *command)


def environment(
    paths: Mapping[str, str], programs: Mapping[str, str], called: str
) -> dict[str, str]:
    """Return the variables that tell the tool where each component's package lies, and its call.

    `paths`: component name to path relative to the sandbox, which takes the place of `{chroot}`
    when the tool starts. `programs`: the same of the programs that the command needs.
    """
    return {
        ARTIFACTS_VARIABLE: _in_sandbox(paths),
        PROGRAMS_VARIABLE: _in_sandbox(programs),
        CALLED_VARIABLE: called,
    }


def _in_sandbox(paths: Mapping[str, str]) -> str:
    return json.dumps({name: "{chroot}/" + path for name, path in sorted(paths.items())})
