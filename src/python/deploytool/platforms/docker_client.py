"""The command line of Docker: its environment, and the words in which it fails."""

import os
from collections.abc import Sequence
from subprocess import CompletedProcess

from deploytool.programs import run

_KEPT = {"PATH", "HOME", "LANG", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR"}


def client_environment() -> dict[str, str]:
    """Return the environment of this tool that the command line needs, and nothing else."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or name.startswith("DOCKER_")
    }


def docker(
    arguments: Sequence[str], *, timeout_s: float, text: str = ""
) -> "CompletedProcess[str]":
    """Run the command line with a text as its input, whatever comes of it."""
    return run(("docker", *arguments), env=client_environment(), timeout_s=timeout_s, text=text)


def last_line(words: str) -> str:
    """Return the last line of what a program said: there the cause stands."""
    return next((line.strip() for line in reversed(words.splitlines()) if line.strip()), "")
