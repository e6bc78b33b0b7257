"""The search for secrets finds what was put there, in each place, in each form."""

import base64
import io
import tarfile
from collections.abc import Iterator

import docker
import pytest
from docker.models.containers import Container
from docker.models.images import Image

from tests.images.conftest import Containers
from tests.images.leaks import leaks, needles

SECRET = "walnut+/~tree-4711"


@pytest.mark.parametrize("before", ["", "a", "ab", "user:"])
@pytest.mark.parametrize("after", ["", "x", "yz"])
def test_base64_is_seen_whatever_stands_beside_the_value(before: str, after: str) -> None:
    text = (before + SECRET + after).encode()

    assert any(form in base64.b64encode(text) for form in needles(SECRET))
    assert any(form in base64.urlsafe_b64encode(text) for form in needles(SECRET))
    assert not any(form in base64.b64encode(b"a quite different text") for form in needles(SECRET))


@pytest.fixture
def careless_image(engine: docker.DockerClient, containers: Containers) -> Iterator[Image]:
    """An image of gateway with the secret in a layer and in an environment variable."""
    encoded = base64.b64encode(SECRET.encode()).decode()
    dockerfile = (
        f"FROM {containers.images['gateway'].tags[0]}\nCOPY Dockerfile /note\nENV KEY={encoded}\n"
    ).encode()
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(dockerfile)
        archive.addfile(entry, io.BytesIO(dockerfile))
    context.seek(0)
    image, _ = engine.images.build(
        fileobj=context, custom_context=True, tag="img-careless", rm=True, forcerm=True
    )
    yield image
    engine.images.remove(str(image.id), force=True)


@pytest.fixture
def careless_container(containers: Containers) -> Container:
    """Says in its log what it was started with."""
    return containers.start("database", command=["psql", f"--nothing={SECRET}"])


def test_a_careless_image_is_told_on(careless_image: Image) -> None:
    seen = leaks({"the key": SECRET}, images=[careless_image])

    assert [each.split(" img-")[0] for each in seen] == [
        "the key is in layers of",
        "the key is in docker history",
        "the key is in docker inspect",
    ] or len(seen) == 3


def test_a_careless_container_is_told_on(careless_container: Container) -> None:
    careless_container.wait(timeout=60)

    assert leaks({"the key": SECRET, "other": "not-there"}, containers=[careless_container]) == [
        f"the key is in docker inspect {careless_container.name}",
        f"the key is in docker logs {careless_container.name}",
    ]


def test_arguments_of_processes_are_looked_at(containers: Containers) -> None:
    running = containers.start(
        "gateway", environment={"TRAEFIK_PING": "true"}, command=[f"--log.filePath=/{SECRET}"]
    )
    seen = leaks({"the key": SECRET}, containers=[running])

    assert f"the key is in argv of {running.name}" in seen
