"""`docker compose` on the file that is made for what runs."""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import CompletedProcess
from uuid import uuid4

from deploytool.errors import DeployError, PlatformFailed
from deploytool.platforms.docker_client import client_environment, docker, last_line
from deploytool.programs import regardless, run, run_watched

# Beside what a container may take to end.
_ACT_S = 120.0


class ComposeCommand:
    """One project and its file.

    folder: what relative paths in the file start from. variables: what its ${NAME}s stand for.
    """

    def __init__(
        self, project: str, file: Path, folder: Path, variables: Mapping[str, str]
    ) -> None:
        self._project = project
        self._file = file
        self._folder = folder
        self._variables = variables

    def start(self, service: str) -> None:
        """Make, replace or start the service's container where it is not as the file says."""
        self._done("up", "--detach", "--no-deps", service)

    def remove(self, service: str) -> None:
        """End the service's container as the file says, and delete it."""
        self._done("rm", "--stop", "--force", service)

    def run_once(
        self, service: str, environment: Mapping[str, str], look: Callable[[], None]
    ) -> "CompletedProcess[str]":
        """Run a service that ends by itself, whatever comes of it, and look after it meanwhile.

        environment: beside what the file says. What `look` raises ends it.
        """
        name = f"{self._project}-{service}-{uuid4().hex[:8]}"
        settings = [f"--env={key}={value}" for key, value in environment.items()]
        argv = self.argv(
            "run", "--rm", "--no-deps", "--no-TTY", f"--name={name}", *settings, service
        )
        try:
            return run_watched(argv, env=self.environment(), look=look)
        except BaseException:
            # The container runs on without the command that has started it. If it cannot be
            # removed, what has ended the waiting is told all the same.
            with suppress(DeployError), regardless():
                docker(("rm", "--force", name), timeout_s=_ACT_S)
            raise

    def stop(self, services: Sequence[str], deadline_s: float) -> None:
        """End the containers of these services, but keep them."""
        self._done("stop", f"--timeout={math.ceil(deadline_s)}", *services)

    def down(self, *, remove_volumes: bool) -> None:
        """Delete all containers and networks of the project, and the volumes if so wanted."""
        more = ["--volumes"] if remove_volumes else []
        self._done("down", "--remove-orphans", *more)

    def argv(self, *arguments: str) -> list[str]:
        """Return the command."""
        return [
            "docker", "compose", "--progress=quiet", f"--project-name={self._project}",
            f"--file={self._file}", f"--project-directory={self._folder}", *arguments,
        ]  # fmt: skip

    def environment(self) -> dict[str, str]:
        """Return the environment of the command: nothing of this tool's can change the file."""
        return {**client_environment(), **self._variables}

    def _run(self, *arguments: str, timeout_s: float = _ACT_S) -> "CompletedProcess[str]":
        return run(self.argv(*arguments), env=self.environment(), timeout_s=timeout_s)

    def _done(self, *arguments: str) -> None:
        done = self._run(*arguments)
        if done.returncode != 0:
            _require_compose()
            raise PlatformFailed(
                f"`docker compose {' '.join(arguments)}` failed",
                why=last_line(done.stderr) or last_line(done.stdout),
                hint="correct the cause named, then repeat the command",
            )


def _require_compose() -> None:
    """Raise PlatformFailed when there is no Compose: its words would be of flags that are unknown.

    To ask costs as much as half of a deployment that changes nothing: it is asked after a failure.
    """
    asked = docker(("compose", "version", "--short"), timeout_s=_ACT_S)
    if asked.returncode != 0:
        raise PlatformFailed(
            "Docker Compose is missing",
            why=last_line(asked.stderr),
            hint="install Compose v2 as a plugin of the Docker command line",
        )
