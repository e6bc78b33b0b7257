"""The words by which deploy/targets.yaml tells a connection that was refused, from real programs.

That of new-microservice has a test of its own, beside its sources.
"""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from deploytool.platforms.base import Outcome
from deploytool.platforms.kubernetes.connections import command, outcome
from deploytool.platforms.local.folder import StateFolder
from deploytool.platforms.local.tools import Toolbox, Tools
from deploytool.system.targets import Dial, KubernetesTarget, read_target

# Where Pants puts the package that has the programs; without Pants they are beside this Python.
BUILT = Path("src.python.deploytool.platforms.local/runtime.pex")
ANSWER = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


class Place(NamedTuple):
    """Somewhere to connect to, and what should come of it."""

    host: str
    port: int
    outcome: Outcome


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    if not BUILT.exists():
        return Tools(Path(sys.prefix))
    folder = StateFolder(tmp_path_factory.mktemp("tools"))
    folder.create()
    return Toolbox(folder, BUILT.resolve()).install(lambda _: False)


@pytest.fixture(params=["http", "closing", "closed", "deaf"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A server of HTTP, one that hangs up, none, and one to which packets are dropped."""
    with socket.socket() as server, socket.socket() as first, socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        host, port = server.getsockname()
        if request.param == "closed":
            server.close()
            yield Place(host, port, Outcome.REFUSED)
        elif request.param == "deaf":
            # Its queue is full, and nobody takes from it.
            server.listen(0)
            for each in (first, second):
                each.setblocking(False)
                each.connect_ex((host, port))
            yield Place(host, port, Outcome.REFUSED)
        else:
            server.listen()
            answer = ANSWER if request.param == "http" else b""
            threading.Thread(target=_serve, args=(server, answer), daemon=True).start()
            yield Place(host, port, Outcome.REACHED)


def _serve(server: socket.socket, answer: bytes) -> None:
    """Answer once there is a whole line, as HTTP is read."""
    connection, _ = server.accept()
    with connection:
        received = b""
        while answer and b"\n" not in received and (more := connection.recv(4096)):
            received += more
        connection.sendall(answer)


def declared(component: str) -> Dial:
    target = read_target(Path("deploy/targets.yaml"), "kubernetes")
    assert isinstance(target, KubernetesTarget)
    return target.dial[component]


@pytest.mark.parametrize("component", ["gateway", "legacy-app", "database"])
def test_a_connection_is_told_from_none(tools: Tools, place: Place, component: str) -> None:
    here = {
        "/usr/bin/traefik": str(tools.traefik),
        "/app/bin/python": sys.executable,
        "psql": str(tools.postgres("psql")),
    }
    dial = declared(component)
    program, *arguments = command(dial, place.host, place.port)
    done = subprocess.run(
        [here[program], *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={"PATH": os.defpath},
        check=False,
        timeout=30,
    )
    # As kubectl, which runs it in the pod.
    if done.returncode:
        done.stderr += f"command terminated with exit code {done.returncode}\n"
    found, words = outcome(done, dial.refused)
    assert found is place.outcome, words
