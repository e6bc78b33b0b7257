"""The built images, and containers of them that are as locked up as a platform would have them."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import docker
import pytest
from docker.errors import DockerException, NotFound
from docker.models.containers import Container
from docker.models.images import Image
from docker.models.networks import Network

from tests.images.contents import Contents, read_contents

# Where a package stands in the sandbox of a test, and in a checkout after `./pants package ::`.
PLACES = (Path.cwd(), Path.cwd() / "dist")
# A file or folder here, or a volume, to where it is seen in the container.
Mounts = Mapping[Path, str] | Mapping[str, str]
PACKAGES = {
    "database": "3rdparty.images.database/database",
    "gateway": "3rdparty.images.gateway/gateway",
    "legacy-app": "src.python.legacy_app/image",
    "migrations": "deploy.database/migrations",
    "new-microservice": "src.python.new_microservice/image",
}
LEFT_OUT = (
    "left out: images are built and tried where a Docker engine runs; "
    "with one, run `DOCKER_ENGINE=1 ./pants test tests/images::`"
)


def package(path: str) -> Path:
    """Return where a package is."""
    return next(place / path for place in PLACES if (place / path).exists())


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    if not os.environ.get("DOCKER_ENGINE"):
        pytest.skip(LEFT_OUT)
    try:
        client = docker.from_env(timeout=120)
        client.ping()
    except DockerException as error:
        pytest.fail(f"DOCKER_ENGINE is set, and no Docker engine answers: {error}")
    yield client
    client.close()


@pytest.fixture(scope="session")
def images(engine: docker.DockerClient) -> Mapping[str, Image]:
    """All images by component, as Pants built them."""
    found = {}
    for component, path in PACKAGES.items():
        built = json.loads(package(f"{path}.docker-info.json").read_text())
        found[component] = engine.images.get(built["registries"][0]["tags"][0]["name"])
    return found


@pytest.fixture(scope="session")
def archives(
    images: Mapping[str, Image], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Save an image as `docker save` does, once."""
    folder = tmp_path_factory.mktemp("archives")

    def save(component: str) -> Path:
        path: Path = folder / f"{component}.tar"
        if not path.exists():
            with path.open("wb") as archive:
                for chunk in images[component].save():
                    archive.write(chunk)
        return path

    return save


@pytest.fixture(scope="session")
def contents(archives: Callable[[str], Path]) -> Callable[[str], Contents]:
    """Read what an image's file system holds, once."""
    known: dict[str, Contents] = {}

    def read(component: str) -> Contents:
        if component not in known:
            known[component] = read_contents(archives(component))
        return known[component]

    return read


def await_true(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.1)


@dataclass
class Containers:
    """Starts containers in a network of their own, and removes them."""

    engine: docker.DockerClient
    images: Mapping[str, Image]
    network: Network
    started: list[Container] = field(default_factory=list)

    def start(
        self,
        component: str,
        *,
        environment: Mapping[str, str] | None = None,
        mounts: Mounts | None = None,
        **options: Any,
    ) -> Container:
        """Start one with a read-only root and without any privilege; it is called as it is."""
        container = self.engine.containers.create(
            self.images[component],
            name=f"img-{component}-{uuid4().hex[:8]}",
            environment=dict(environment or {}),
            volumes=[f"{source}:{path}" for source, path in (mounts or {}).items()],
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            pids_limit=256,
            **options,
        )
        self.started.append(container)
        self.network.connect(container, aliases=[component])
        container.start()
        return container

    def remove(self) -> None:
        for container in self.started:
            with suppress(NotFound):
                container.remove(force=True, v=True)


@pytest.fixture(scope="module")
def containers(engine: docker.DockerClient, images: Mapping[str, Image]) -> Iterator[Containers]:
    network = engine.networks.create(f"img-{uuid4().hex[:8]}", driver="bridge")
    containers = Containers(engine, images, network)
    yield containers
    containers.remove()
    network.remove()


def address(container: Container, network: Network) -> str:
    """Return where it can be reached from this machine."""
    container.reload()
    return str(container.attrs["NetworkSettings"]["Networks"][network.name]["IPAddress"])


@dataclass(frozen=True)
class Ran:
    """A program that ran beside the container's own."""

    code: int
    output: str


def run(container: Container, argv: Sequence[str], **environment: str) -> Ran:
    done = container.exec_run(list(argv), environment=environment)
    assert isinstance(done.output, bytes)
    return Ran(done.exit_code or 0, done.output.decode())


def is_healthy(container: Container) -> bool:
    """Ask what its HEALTHCHECK asks, without waiting for the interval."""
    container.reload()
    assert container.status == "running", container.logs().decode()
    command = container.attrs["Config"]["Healthcheck"]["Test"][1:]
    return run(container, command).code == 0


def exit_code(container: Container) -> int:
    return int(container.wait(timeout=60)["StatusCode"])
