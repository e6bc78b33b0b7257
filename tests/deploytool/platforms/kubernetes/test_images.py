"""Which images a command deploys: those that were built, and of the others the ones that run."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploytool.platforms.images import write_artifacts
from deploytool.platforms.kubernetes.images import ClusterImages
from deploytool.platforms.registry import Registry
from deploytool.system.release import ReleasedBuild, ReleasedImage
from tests.deploytool.platforms.kubernetes.memory import Memory

REGISTRY = "localhost:5055"


@pytest.fixture(autouse=True)
def pushed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was pushed; the registry has nothing before."""
    found: list[str] = []

    def push(_: Registry, image: str) -> str:
        found.append(image)
        return f"sha256:{image}"

    monkeypatch.setattr(Registry, "digest", lambda *_: None)
    monkeypatch.setattr(Registry, "push", push)
    return found


def built(folder: Path, **tags: str) -> dict[str, Path]:
    """Return what Pants writes about images of these tags."""
    artifacts = {name: folder / f"{name}-{tag}.json" for name, tag in tags.items()}
    for name, tag in tags.items():
        content = {"registries": [{"tags": [{"name": f"{name}:{tag}"}]}]}
        artifacts[name].write_text(json.dumps(content))
    return artifacts


def images(
    cluster: Memory, artifacts: Mapping[str, Path], registry: str = REGISTRY
) -> ClusterImages:
    return ClusterImages(cluster, registry, artifacts)


def reference(image: str, registry: str = REGISTRY) -> str:
    return f"{registry}/{image.partition(':')[0]}@sha256:{image}"


def test_what_was_not_built_stays_as_it_was_deployed_last(tmp_path: Path) -> None:
    cluster = Memory()
    images(cluster, built(tmp_path, database="1", gateway="1")).push()
    assert images(cluster, {}).by_base() == {
        "database": reference("database:1"),
        "gateway": reference("gateway:1"),
    }
    images(cluster, built(tmp_path, database="2")).push()
    # It is known already, and yet another one than runs.
    images(cluster, built(tmp_path, database="1")).push()
    expected = {"database": reference("database:1"), "gateway": reference("gateway:1")}
    assert images(cluster, {}).by_base() == expected


def test_what_was_built_is_deployed(tmp_path: Path) -> None:
    cluster = Memory()
    images(cluster, built(tmp_path, database="1", gateway="1")).push()
    newer = images(cluster, built(tmp_path, database="2"))
    assert newer.by_base()["database"] == f"{REGISTRY}/database:2"
    newer.push()
    assert newer.by_base() == {
        "database": reference("database:2"),
        "gateway": reference("gateway:1"),
    }


def test_a_command_without_a_build_forgets_and_pushes_nothing(
    tmp_path: Path, pushed: list[str]
) -> None:
    cluster = Memory()
    images(cluster, built(tmp_path, database="1")).push()
    before = dict(cluster.objects)
    images(cluster, {}).push()
    images(cluster, built(tmp_path, database="1")).push()
    assert cluster.objects == before
    assert pushed == ["database:1"]


def test_another_registry_gets_what_this_one_has(tmp_path: Path, pushed: list[str]) -> None:
    cluster = Memory()
    images(cluster, built(tmp_path, database="1")).push()
    images(cluster, built(tmp_path, database="1"), "other:5000").push()
    assert pushed == ["database:1", "database:1"]
    # By whom it is asked next does not matter: this is where it runs.
    assert images(cluster, {}).by_base() == {"database": reference("database:1", "other:5000")}


def test_the_images_of_a_release_are_pulled_from_where_it_says(
    tmp_path: Path, pushed: list[str]
) -> None:
    cluster = Memory()
    images(cluster, built(tmp_path, database="1", gateway="1")).push()
    released = f"elsewhere.example/team/database@sha256:{'a' * 64}"
    image = ReleasedImage(image=released, tag="1", platform="linux/amd64")
    build = ReleasedBuild(image=image, repository="https://example.org/shop", commit="c" * 40)
    found = images(cluster, write_artifacts(tmp_path, {"database": build}))
    assert found.reference("database:1") == released
    assert found.released == {"database": released}
    found.push()
    assert pushed == ["database:1", "gateway:1"]
    # Beside it nothing goes on that was built before. Whoever asks next knows that, and yet a build
    # of the same content is no release.
    assert found.by_base() == {"database": released}
    assert images(cluster, {}).by_base() == {"database": released}
    assert images(cluster, built(tmp_path, database="1")).reference("database:1") != released
