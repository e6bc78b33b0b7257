"""No generated secret is seen where it is not mounted: images, inspection, logs, argument lists."""

import base64
import subprocess
import time
from collections.abc import Iterator, Mapping

import docker
import psutil
import pytest

from tests.end_to_end.compose.conftest import LABEL, PROJECT, Deploytool
from tests.images.leaks import leaks, needles


@pytest.fixture
def client(engine: None) -> Iterator[docker.DockerClient]:
    client = docker.from_env(timeout=120)
    yield client
    client.close()


@pytest.fixture
def values(deployed: Deploytool) -> Mapping[str, str]:
    """Each secret by the name of its file; of the address for migrations, its password is one."""
    files = (deployed.state / "secrets").iterdir()
    values = {file.name: file.read_text().strip() for file in files}
    assert {"database-owner", "database-migrations"} <= set(values)
    assert values["database-owner"] in values["database-migrations"]
    return values


def test_the_engine_tells_no_secret(
    deployed: Deploytool, client: docker.DockerClient, values: Mapping[str, str]
) -> None:
    containers = client.containers.list(filters={"label": f"{LABEL}.project={PROJECT}"})
    assert len(containers) == len(deployed.status()["instances"])
    images = [each.image for each in containers if each.image is not None]
    assert len(images) == len(containers)
    assert leaks(values, images=images, containers=containers) == []


def test_the_search_would_find_one(
    deployed: Deploytool, client: docker.DockerClient, values: Mapping[str, str]
) -> None:
    encoded = base64.b64encode(values["database-owner"].encode()).decode()
    image = deployed.container_of("gateway")["Config"]["Image"]
    careless = client.containers.create(image, environment={"PASSWORD": encoded})
    try:
        [found] = leaks(values, containers=[careless])
    finally:
        careless.remove()
    assert found == f"database-owner is in docker inspect {careless.name}"


def test_no_program_is_started_with_a_secret_and_none_is_recorded(
    deployed: Deploytool, values: Mapping[str, str]
) -> None:
    process = deployed.start("up")
    seen = set()
    while process.poll() is None:
        seen |= arguments()
        time.sleep(0.02)
    deployed.ended(process)
    assert any("psql" in each for each in seen), "what was started was looked at"
    written = [
        (deployed.root / "logs" / "operations.log").read_text(),
        (deployed.state / "compose.yaml").read_text(),
        subprocess.check_output(["docker", "events", "--since=10m", "--until=0s"], text=True),
    ]
    everything = "\n".join([*seen, *written]).encode()
    found = [name for name, value in values.items() if any(n in everything for n in needles(value))]
    assert found == []


def arguments() -> set[str]:
    """Return the argument list of every process of this machine."""
    found = set()
    for process in psutil.process_iter():
        try:
            found.add(" ".join(process.cmdline()))
        except psutil.NoSuchProcess:
            continue
    return found
