"""The whole system on the compose target: containers of a real Docker engine."""

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from tests.end_to_end.deployed import PSQL, Deployed

# Of this run alone: somebody may use the declared one on the same engine.
PROJECT = f"test-{os.getpid()}"


class Deploytool(Deployed):
    """deploytool with containers."""

    target = "compose"
    packages: ClassVar = {
        "legacy-app": "src.python.legacy_app/image.docker-info.json",
        "new-microservice": "src.python.new_microservice/image.docker-info.json",
        "database": "3rdparty.images.database/database.docker-info.json",
        "gateway": "3rdparty.images.gateway/gateway.docker-info.json",
        "migrations": "deploy.database/migrations.docker-info.json",
        "contract-migrations": "deploy.database/migrations.docker-info.json",
    }

    def make(self) -> None:
        super().make()
        targets = self.root / "deploy" / "targets.yaml"
        text = targets.read_text()
        assert text.count("project: ") == 1
        targets.write_text(text.replace("project: shop-compose", f"project: {PROJECT}"))

    def containers(self) -> list[dict[str, Any]]:
        """Return what the engine says of every container of the project."""
        ids = docker("ps", "--all", "--quiet", f"--filter=label={LABEL}.project={PROJECT}").split()
        return list(json.loads(docker("inspect", *ids))) if ids else []

    def container_of(self, service: str) -> dict[str, Any]:
        [found] = [
            each
            for each in self.containers()
            if each["Config"]["Labels"][f"{LABEL}.service"] == service
        ]
        return found

    def pid_of(self, component: str) -> int:
        return int(self.container_of(component)["State"]["Pid"])

    def psql_argv(self) -> list[str]:
        container = self.container_of("database")["Id"]
        return ["docker", "exec", "--interactive", container, *PSQL]

    def see_nothing_beside(self, status: dict[str, Any]) -> None:
        assert len(self.containers()) == len(status["instances"])


LABEL = "com.docker.compose"


def docker(*arguments: str) -> str:
    done = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def engine() -> None:
    """Leave out the tests that need an engine where none is said to be."""
    if not os.environ.get("DOCKER_ENGINE"):
        pytest.skip("DOCKER_ENGINE is not set: tests on a Docker engine are left out")


# Ended before the tests of the next target: they share two cores.
@pytest.fixture(scope="package")
def deployed(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deploytool]:
    """The system, up and with enough history to judge latency by."""
    tool = Deploytool(tmp_path_factory.mktemp("system") / "repository")
    with tool.brought_up():
        yield tool
    assert tool.containers() == []
    assert not docker("volume", "ls", "--quiet", f"--filter=label={LABEL}.project={PROJECT}")
