"""The Docker engine: what runs there, asked through its API, and done in it by the command line.

The API answers in milliseconds where a start of the command line takes fifty.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from subprocess import CompletedProcess
from typing import Any

import httpx2

from deploytool.errors import InvalidInput, PlatformFailed
from deploytool.platforms.docker_client import docker, last_line

_ASK_S = 20.0
# Far enough back for the end of a process whose successor has written already.
_LOOKED_AT_LINES = 500
_UNIX = "unix://"
_LABEL = "com.docker.compose."
# A container that never ran says so with this year.
_NEVER = 1


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a project, as the engine sees it.

    ports: port inside -> port on this machine. restarts: by the engine, since it was made.
    started: unix seconds, None when it does not run.
    """

    id: str
    service: str
    image: str
    labels: Mapping[str, str]
    is_running: bool
    is_restarting: bool
    exit_code: int
    is_out_of_memory: bool
    error: str
    restarts: int
    started: float | None
    address: str
    ports: Mapping[int, int]
    pid: int


class Engine:
    """The engine that the command line would talk to, and one Compose project on it."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._http: httpx2.Client | None = None

    def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            self._http.close()

    def require(self) -> None:
        """Raise PlatformFailed, with its own words, when the engine does not answer."""
        self._get("/_ping")

    def containers(self) -> Sequence[Container]:
        """Return the project's containers, those last whose service has a newer one."""
        labels = [f"{_LABEL}project={self._project}", f"{_LABEL}oneoff=False"]
        query = {"all": "true", "filters": json.dumps({"label": labels})}
        listed = self._get("/containers/json", query).json()
        answers = [self._get(f"/containers/{each['Id']}/json") for each in listed]
        # One that was removed meanwhile is none.
        found = [each.json() for each in answers if each.status_code == httpx2.codes.OK]
        found.sort(key=lambda each: (each["State"]["Running"], each["Created"]), reverse=True)
        return [_container(each) for each in found]

    def container(self, service: str) -> Container | None:
        """Return the newest container of a service, None when it has none."""
        return next((each for each in self.containers() if each.service == service), None)

    def execute(
        self, container: Container, argv: Sequence[str], text: str = ""
    ) -> "CompletedProcess[str]":
        """Run a program in a container with a text as its input, whatever comes of it."""
        return self.docker("exec", "--interactive", container.id, *argv, text=text)

    def last_lines(
        self, container: Container, count: int, *, until: float | None = None
    ) -> list[str]:
        """Return the last lines that a container wrote. until: unix seconds, None for now."""
        done = self.docker("logs", "--timestamps", f"--tail={_LOOKED_AT_LINES}", container.id)
        # Of both streams, in the order in which they were written.
        lines = sorted((done.stdout + done.stderr).splitlines())
        return lines_until(lines, until)[-count:]

    def has_volumes(self) -> bool:
        """Tell whether the project keeps data."""
        query = {"filters": json.dumps({"label": [f"{_LABEL}project={self._project}"]})}
        return bool(self._get("/volumes", query).json()["Volumes"])

    def has_image(self, name: str) -> bool:
        """Tell whether the engine holds an image, NAME:TAG or NAME@DIGEST."""
        return self._get(f"/images/{name}/json").status_code == httpx2.codes.OK

    def docker(self, *arguments: str, text: str = "") -> "CompletedProcess[str]":
        """Run the command line, whatever comes of it."""
        return docker(arguments, timeout_s=_ASK_S, text=text)

    def _get(self, path: str, query: Mapping[str, str] | None = None) -> httpx2.Response:
        if self._http is None:
            transport = httpx2.HTTPTransport(uds=self._socket())
            self._http = httpx2.Client(
                transport=transport, base_url="http://engine", timeout=_ASK_S
            )
        try:
            return self._http.get(path, params=query)
        except httpx2.HTTPError as error:
            raise PlatformFailed(
                "the Docker engine does not answer",
                why=f"{type(error).__name__}: {error}",
                hint="start it, or choose another one: `docker context use`, DOCKER_HOST",
            ) from error

    def _socket(self) -> str:
        """Return the path of the engine's socket. Raises InvalidInput when it is elsewhere."""
        asked = self.docker("context", "inspect", "--format={{.Endpoints.docker.Host}}")
        host = os.environ.get("DOCKER_HOST") or asked.stdout.strip()
        if not host.startswith(_UNIX):
            raise InvalidInput(
                "the Docker engine is not on this machine",
                why=f"it is at {host or last_line(asked.stderr)}",
                hint="choose one with a socket here: `docker context use`, DOCKER_HOST=unix://...",
            )
        return host.removeprefix(_UNIX)


def lines_until(lines: Sequence[str], until: float | None) -> list[str]:
    """Return the texts of lines that begin with their time, up to a moment, empty ones left out."""
    stamped = (line.partition(" ") for line in lines)
    return [
        text
        for time, _, text in stamped
        if text.strip() and (until is None or datetime.fromisoformat(time).timestamp() < until)
    ]


def _container(inspected: Mapping[str, Any]) -> Container:
    state, labels = inspected["State"], inspected["Config"].get("Labels") or {}
    networks = inspected["NetworkSettings"]
    addresses = (each.get("IPAddress") for each in (networks.get("Networks") or {}).values())
    started = datetime.fromisoformat(state["StartedAt"])
    is_running = bool(state["Running"]) and not state["Restarting"]
    return Container(
        id=inspected["Id"],
        service=labels.get(f"{_LABEL}service", ""),
        image=inspected["Config"]["Image"],
        labels=labels,
        is_running=is_running,
        is_restarting=bool(state["Restarting"]),
        exit_code=state["ExitCode"],
        is_out_of_memory=bool(state["OOMKilled"]),
        error=state.get("Error", ""),
        restarts=inspected["RestartCount"],
        started=started.timestamp() if is_running and started.year > _NEVER else None,
        address=next((address for address in addresses if address), ""),
        ports=_ports(networks.get("Ports") or {}),
        pid=state["Pid"],
    )


def _ports(published: Mapping[str, Any]) -> dict[int, int]:
    return {
        int(inside.split("/")[0]): int(bindings[0]["HostPort"])
        for inside, bindings in published.items()
        if bindings
    }
