"""What a registry holds under a content's tag is believed only if it is the engine's image."""

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from deploytool.errors import CheckFailed, PlatformFailed
from deploytool.platforms.engine_images import EngineImage, content_of, engine_image
from deploytool.platforms.registry import (
    HeldImage,
    Registry,
    held_image,
    is_same,
    require_alike,
)
from tests.registry import serving

NAME = "localhost:5000/shop:t1"
MANIFEST, CONFIG, OTHER = (f"sha256:{digit * 64}" for digit in "abc")
INDEX = "application/vnd.oci.image.index.v1+json"


def inspected(kind: str) -> str:
    """Return what the command line says of a manifest of a kind."""
    return json.dumps({"Descriptor": {"digest": MANIFEST}, kind: {"config": {"digest": CONFIG}}})


@pytest.mark.parametrize("kind", ["SchemaV2Manifest", "OCIManifest"])
def test_a_manifest_names_its_configuration(kind: str) -> None:
    assert held_image(NAME, inspected(kind)) == HeldImage(MANIFEST, CONFIG)


def test_an_index_is_refused_by_name() -> None:
    with pytest.raises(CheckFailed) as refused:
        held_image(NAME, json.dumps([{"Ref": NAME}, {"Ref": NAME}]))
    assert refused.value.what == f"{NAME} is an index of 2 images"
    assert "delete the tag" in refused.value.hint


@pytest.mark.parametrize("identity", [CONFIG, MANIFEST], ids=["classic", "containerd"])
def test_an_engine_knows_its_images_by_configuration_or_by_manifest(identity: str) -> None:
    assert is_same(HeldImage(MANIFEST, CONFIG), of_content("1", identity))
    assert not is_same(HeldImage(MANIFEST, CONFIG), of_content("1", OTHER))


def of_content(content: str, identity: str) -> EngineImage:
    return EngineImage(identity, "linux/amd64", content)


def test_another_content_is_refused_and_both_images_are_named() -> None:
    require_alike(NAME, of_content("1", CONFIG), of_content("1", OTHER))
    with pytest.raises(CheckFailed) as refused:
        require_alike(NAME, of_content("2", CONFIG), of_content("1", OTHER))
    told = f"{refused.value.what} {refused.value.why}"
    assert all(each in told for each in (NAME, CONFIG, OTHER))


BUILT: dict[str, Any] = {
    "Created": "2026-11-30T10:00:00Z",
    "Config": {"Cmd": ["serve"], "Env": ["A=1"], "Labels": {"revision": "a"}, "Volumes": None},
    "RootFS": {"Type": "layers", "Layers": [OTHER]},
}


def test_the_same_built_elsewhere_at_another_time_is_the_same_content() -> None:
    labels = {**BUILT["Config"], "Labels": {"revision": "b"}, "Volumes": {}}
    again = {**BUILT, "Created": "2026-11-30T11:00:00Z", "Config": labels}
    assert content_of(again) == content_of(BUILT)


@pytest.mark.parametrize(
    "change",
    [
        {"RootFS": {"Type": "layers", "Layers": [CONFIG]}},
        {"Config": {"Cmd": ["serve"], "Env": ["A=2"]}},
        {"Config": {"Cmd": ["serve"], "Env": ["A=1"], "Entrypoint": ["/other"]}},
        {"Config": {"Cmd": ["serve"], "Env": ["A=1"], "User": "0"}},
    ],
)
def test_another_layer_or_setting_is_another_content(change: dict[str, Any]) -> None:
    assert content_of({**BUILT, **change}) != content_of(BUILT)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    if not os.environ.get("DOCKER_ENGINE"):
        pytest.skip("DOCKER_ENGINE is not set: tests on a Docker engine are left out")
    with serving(tmp_path) as address:
        yield Registry(address)


@pytest.fixture
def images(registry: Registry) -> Iterator[list[str]]:
    """Two images of the engine that differ in one file."""
    # Of this run alone: somebody may use the engine for the same.
    names = [f"test-{os.getpid()}-{name}:t1" for name in ("one", "two")]
    for name in names:
        _docker("import", "-", name, content=_layer(name))
    yield names
    _docker("image", "rm", *names)


def test_what_was_pushed_is_present(registry: Registry, images: list[str]) -> None:
    assert registry.digest(images[0]) is None
    digest = registry.push(images[0])
    assert registry.digest(images[0]) == digest


def test_a_registry_that_does_not_say_what_it_has_is_not_pushed_over(
    registry: Registry, images: list[str]
) -> None:
    assert registry.address
    with pytest.raises(PlatformFailed) as refused:
        Registry("127.0.0.1:1").digest(images[0])
    assert refused.value.what == f"whether there is 127.0.0.1:1/{images[0]} is not known"
    assert "connection refused" in refused.value.why
    assert "docker login 127.0.0.1:1" in refused.value.hint


def test_an_image_that_somebody_moved_the_tag_to_is_not_taken(
    registry: Registry, images: list[str]
) -> None:
    mine, other = images
    digest = registry.push(mine)
    _put(registry, mine, _manifest(registry, other, registry.push(other)))
    with pytest.raises(CheckFailed) as refused:
        registry.digest(mine)
    assert engine_image(mine).id in refused.value.why
    assert engine_image(other).id in refused.value.why
    assert digest not in refused.value.why


def test_the_same_built_elsewhere_is_present_as_it_was_pushed_from_there(
    registry: Registry, images: list[str]
) -> None:
    digest, first = registry.push(images[0]), engine_image(images[0]).id
    _docker("import", "--message=elsewhere", "-", images[0], content=_layer(images[0]))
    assert engine_image(images[0]).id != first
    assert registry.digest(images[0]) == digest
    _docker("import", "--change=USER 0", "-", images[0], content=_layer(images[0]))
    with pytest.raises(CheckFailed, match="is another image than the one that was built"):
        registry.digest(images[0])


def test_an_index_under_the_tag_is_not_taken(registry: Registry, images: list[str]) -> None:
    raw, media, digest = _manifest(registry, images[0], registry.push(images[0]))
    entry = {
        "mediaType": media,
        "size": len(raw),
        "digest": digest,
        "platform": {"os": "linux", "architecture": "amd64"},
    }
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}
    _put(registry, images[0], (json.dumps(index).encode(), INDEX, ""))
    with pytest.raises(CheckFailed, match="is an index of 1 images"):
        registry.digest(images[0])


def test_an_image_that_the_engine_lacks_is_named(registry: Registry) -> None:
    with pytest.raises(PlatformFailed, match="the Docker engine has no image nothing:t1"):
        engine_image("nothing:t1")


def _layer(text: str) -> bytes:
    """Return a file system of one file."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo("content")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text.encode()))
    return archive.getvalue()


def _docker(*arguments: str, content: bytes = b"") -> None:
    done = subprocess.run(["docker", *arguments], input=content, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def _manifest(registry: Registry, image: str, digest: str) -> tuple[bytes, str, str]:
    name = image.partition(":")[0]
    accepted = "application/vnd.docker.distribution.manifest.v2+json"
    found: Any = httpx2.get(
        f"http://{registry.address}/v2/{name}/manifests/{digest}", headers={"Accept": accepted}
    )
    return found.content, found.headers["Content-Type"], digest


def _put(registry: Registry, image: str, manifest: tuple[bytes, str, str]) -> None:
    """Move an image's tag to a manifest; what that names is first mounted, as it must be there."""
    name, _, tag = image.partition(":")
    raw, media, _ = manifest
    for blob in _blobs(json.loads(raw)):
        for other in ("one", "two"):
            source = name.rpartition("-")[0] + f"-{other}"
            httpx2.post(
                f"http://{registry.address}/v2/{name}/blobs/uploads/?mount={blob}&from={source}"
            )
    answer = httpx2.put(
        f"http://{registry.address}/v2/{name}/manifests/{tag}",
        content=raw,
        headers={"Content-Type": media},
    )
    assert answer.is_success, answer.text


def _blobs(manifest: dict[str, Any]) -> list[str]:
    parts = [manifest.get("config"), *manifest.get("layers", [])]
    return [part["digest"] for part in parts if part]
