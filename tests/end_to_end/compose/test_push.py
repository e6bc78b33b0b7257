"""What was built reaches a real registry once, and the release names it by its digests."""

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import yaml

from tests.end_to_end.compose.conftest import Deploytool
from tests.end_to_end.deployed import until

ACCEPTED = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture
def tool(engine: None, tmp_path: Path) -> Deploytool:
    tool = Deploytool(tmp_path / "repository")
    tool.make()
    return tool


@pytest.fixture
def registry(engine: None, tmp_path: Path) -> Iterator[str]:
    """A registry on loopback; engines speak plain http with these."""
    program = shutil.which("docker-registry")
    assert program, "install Debian's docker-registry"
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = tmp_path / "registry.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "version": 0.1,
                "log": {"level": "error"},
                "storage": {"filesystem": {"rootdirectory": str(tmp_path / "registry")}},
                "http": {"addr": address},
            }
        )
    )
    process = subprocess.Popen(
        [program, "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: answers(address), what="the registry answers", deadline_s=20)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def answers(address: str) -> bool:
    try:
        return httpx2.get(f"http://{address}/v2/", timeout=2).is_success
    except httpx2.HTTPError:
        return False


def test_each_image_is_pushed_once_and_named_by_its_digest(tool: Deploytool, registry: str) -> None:
    first = tool.run("push", registry, "--output", "json")
    assert first.code == 0, str(first)
    images = first.result["images"]
    assert set(images) == set(tool.packages)
    for each in images.values():
        name, digest = each["image"].removeprefix(f"{registry}/").split("@")
        place = f"http://{registry}/v2/{name}/manifests/{each['tag']}"
        answer = httpx2.get(place, headers={"Accept": ACCEPTED}, timeout=10)
        assert answer.headers["Docker-Content-Digest"] == digest
    again = tool.run("push", registry, "--output", "json")
    assert again.result["images"] == images
    assert "pushed" not in again.errors
    assert again.errors.count("present") == len(set(map(json.dumps, images.values())))
    release = json.loads((tool.root / "releases" / "compose.json").read_text())
    assert (release["system"], release["images"]) == ("shop", images)


def test_a_registry_that_does_not_answer_is_named(tool: Deploytool) -> None:
    ended = tool.run("push", "127.0.0.1:1")
    assert ended.code == 1, str(ended)
    assert "was not pushed to 127.0.0.1:1" in ended.errors
    assert "connection refused" in ended.errors
