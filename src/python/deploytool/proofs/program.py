"""Runs a program that makes or checks proofs to its end."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess

from deploytool.errors import PlatformFailed

# Set for this tool alone, by its own package and by whoever started it.
_OWN = ("PEX", "PYTHON", "DEPLOYTOOL_")
# It holds the password of a private key, and only the program that signs is given it.
PASSWORD = "COSIGN_PASSWORD"  # noqa: S105 - the name of a variable


def run_program(
    argv: Sequence[str],
    *,
    purpose: str,
    hint: str,
    timeout_s: float,
    text: str = "",
    cwd: Path | None = None,
    is_told_password: bool = False,
) -> "CompletedProcess[str]":
    """Run a program with a text as its input, whatever comes of it.

    It has the environment of this tool without what is its own: logins and proxies have names that
    only their programs know. purpose: what nothing else does here. hint: how to get the program.
    is_told_password: whether it is to sign.
    Raises PlatformFailed when there is no such program, or when it does not end.
    """
    name = Path(argv[0]).name
    own = {k: v for k, v in os.environ.items() if not k.lstrip("_").startswith(_OWN)}
    if not is_told_password:
        own.pop(PASSWORD, None)
    try:
        return subprocess.run(
            argv,
            env=own,
            cwd=cwd,
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            start_new_session=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise PlatformFailed(
            f"{name} is missing",
            why=f"there is none in PATH, and nothing else {purpose}",
            hint=hint,
        ) from error
    except subprocess.TimeoutExpired as error:
        raise PlatformFailed(
            f"{' '.join((name, *argv[1:2]))} did not end within {timeout_s:.0f} s",
            why="it was killed",
            hint="see that the registry answers, then repeat the command",
        ) from error
