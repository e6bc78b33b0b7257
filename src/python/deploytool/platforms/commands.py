"""Runs a third-party program to its end; the one place where its failures become our errors."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from deploytool.errors import InvalidInput, PlatformFailed

_LOOK_S = 0.1


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
        with _found(name):
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
    except subprocess.TimeoutExpired as error:
        raise PlatformFailed(
            f"{name} did not end within {timeout_s:.0f} s",
            why="it was killed",
            hint="see what keeps it: `deploytool status` and `deploytool logs`",
        ) from error


def run_watched(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    look: Callable[[], None],
    cwd: Path = Path("/"),
) -> subprocess.CompletedProcess[str]:
    """Run a program, as `run` does, and look after it ten times a second.

    What `look` raises, as what interrupts the waiting, ends the program and all that it started.
    """
    with (
        _found(Path(argv[0]).name),
        subprocess.Popen(
            argv,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process,
    ):
        try:
            while True:
                try:
                    output, errors = process.communicate(timeout=_LOOK_S)
                    break
                except subprocess.TimeoutExpired:
                    look()
        except BaseException:
            with suppress(ProcessLookupError):  # it has ended meanwhile
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(argv, process.returncode, output, errors)


@contextmanager
def _found(name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise InvalidInput(
            f"{name} cannot be started",
            why=f"{error.filename} does not exist",
            hint=f"install {name}, or run `deploytool up` from a fresh build",
        ) from error
