"""Runs a program that makes or checks proofs to its end; without it nothing is taken for proved."""

from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess

from deploytool.errors import InvalidInput, PlatformFailed
from deploytool.programs import outer_environment, run

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
    """Run a program with a text as its input, in this folder or in cwd, whatever comes of it.

    purpose: what nothing else does here. hint: how to get the program. is_told_password: whether it
    is to sign.
    Raises PlatformFailed when there is no such program, or when it does not end.
    """
    own = outer_environment()
    if not is_told_password:
        own.pop(PASSWORD, None)
    try:
        return run(
            argv,
            env=own,
            cwd=cwd or Path.cwd(),
            text=text,
            timeout_s=timeout_s,
            hint="see that the registry answers, then repeat the command",
        )
    except InvalidInput as error:
        raise PlatformFailed(
            f"{Path(argv[0]).name} is missing",
            why=f"there is none in PATH, and nothing else {purpose}",
            hint=hint,
        ) from error
