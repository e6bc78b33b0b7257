"""Runs a third-party program to its end; the one place where its failures become our errors."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploytool.errors import InvalidInput, PlatformFailed


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    timeout_s: float,
    cwd: Path = Path("/"),
    text: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run a program with a text as its input, whatever it returns.

    It shares neither terminal nor session with this tool, so that Ctrl-C does not reach it.
    Raises InvalidInput when there is no such program, PlatformFailed when it does not end.
    """
    name = Path(argv[0]).name
    try:
        return subprocess.run(
            argv,
            env=dict(env),
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
        raise InvalidInput(
            f"{name} cannot be started",
            why=f"{error.filename} does not exist",
            hint=f"install {name}, or run `deploytool up` from a fresh build",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise PlatformFailed(
            f"{name} did not end within {timeout_s:.0f} s",
            why="it was killed",
            hint="see what keeps it: `deploytool status` and `deploytool logs`",
        ) from error
