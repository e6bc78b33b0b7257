"""What a revision is started from is fetched before it is started, and alone."""

import io
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploytool.platforms.compose import open_compose
from deploytool.platforms.registry import Registry
from deploytool.system.declaration import read_system
from deploytool.system.release import ReleasedBuild, ReleasedImage
from deploytool.system.revision import revision_of
from deploytool.system.targets import ComposeTarget, read_target
from tests.registry import serving

DEPLOY = Path("deploy")


def docker(*arguments: str, content: bytes = b"") -> bool:
    done = subprocess.run(["docker", *arguments], input=content, capture_output=True, check=False)
    return done.returncode == 0


@pytest.fixture
def image(tmp_path: Path) -> Iterator[str]:
    """An image that a registry holds, and the engine no longer has by its digest."""
    if not os.environ.get("DOCKER_ENGINE"):
        pytest.skip("DOCKER_ENGINE is not set: tests on a Docker engine are left out")
    name = f"test-{os.getpid()}-fetched:t1"
    archive = io.BytesIO()
    tarfile.open(fileobj=archive, mode="w").close()
    with serving(tmp_path) as address:
        registry = Registry(address)
        assert docker("import", "-", name, content=archive.getvalue())
        reference = registry.reference(name, registry.push(name))
        try:
            yield reference
        finally:
            docker("image", "rm", reference)
            docker("image", "rm", name)


def test_an_earlier_revision_of_a_release_is_there_before_anything_is_started(
    tmp_path: Path, image: str
) -> None:
    target = read_target(DEPLOY / "targets.yaml", "compose")
    assert isinstance(target, ComposeTarget)
    released = ReleasedImage(image=image, tag="t1", platform="linux/amd64")
    build = ReleasedBuild(image=released, repository="https://example.org/s", commit="a" * 40)
    revision = revision_of("new-microservice", "ff", {}, build)
    assert not docker("image", "inspect", image)
    with open_compose(
        target=target.model_copy(update={"state": tmp_path / "state"}),
        system=read_system(DEPLOY / "system.yaml"),
        root=tmp_path,
        deploy=DEPLOY,
        artifacts={},
        on_secret=lambda _: None,
    ) as platform:
        platform.fetch((revision,))
    assert docker("image", "inspect", image)
    assert not (tmp_path / "state").exists()
