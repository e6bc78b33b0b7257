"""The Compose file without deploytool: what the README tells a person to type."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.end_to_end.deployed import SANDBOX

PROJECT = f"test-alone-{os.getpid()}"


class Folder:
    """deploy/compose, as somebody has it who cloned the repository."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ports = [free_port(), free_port()]

    def run(self, *argv: str) -> str:
        variables = zip(("GATEWAY_PORT", "GATEWAY_ADMIN_PORT"), map(str, self.ports), strict=True)
        done = subprocess.run(
            argv,
            cwd=self.path,
            env={**os.environ, "COMPOSE_PROJECT_NAME": PROJECT, **dict(variables)},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def get(self, path: str) -> httpx2.Response:
        return httpx2.get(f"http://127.0.0.1:{self.ports[0]}{path}", timeout=10)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def folder(engine: None, tmp_path: Path) -> Iterator[Folder]:
    shutil.copytree(SANDBOX / "deploy", tmp_path / "deploy")
    folder = Folder(tmp_path / "deploy" / "compose")
    try:
        yield folder
    finally:
        folder.run("docker", "compose", "down", "--volumes")


def test_docker_compose_up_is_enough(folder: Folder) -> None:
    folder.run("python3", "make-secrets")
    made = {file.name: file.read_text() for file in (folder.path / "secrets").iterdir()}
    folder.run("docker", "compose", "up", "--detach", "--wait")
    assert folder.get("/app/api/products").status_code == 200
    assert folder.get("/api/v2/v1/stock").status_code == 200
    assert folder.get("/app/version").json()["revision"] == "local"
    # Nothing beside the gateway can be reached, and the secrets are made once.
    published = folder.run("docker", "compose", "ps", "--format", "{{.Service}} {{.Ports}}")
    assert [line.split()[0] for line in published.splitlines() if "->" in line] == ["gateway"]
    folder.run("python3", "make-secrets")
    assert {f.name: f.read_text() for f in (folder.path / "secrets").iterdir()} == made
