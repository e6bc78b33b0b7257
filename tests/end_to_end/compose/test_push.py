"""What was built reaches a real registry once, and the release names it by its digests."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.end_to_end.compose.conftest import Deploytool
from tests.registry import serving

# The copy of the repository that a test runs in has no history.
SOURCE = {"IMAGE_SOURCE": "https://example.org/owner/shop", "IMAGE_REVISION": "c0ffee" * 6 + "c0de"}
ACCEPTED = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture
def tool(engine: None, tmp_path: Path) -> Deploytool:
    tool = Deploytool(tmp_path / "repository")
    tool.make()
    return tool


@pytest.fixture
def registry(engine: None, tmp_path: Path) -> Iterator[str]:
    with serving(tmp_path) as address:
        yield address


def test_each_image_is_pushed_once_and_named_by_its_digest(tool: Deploytool, registry: str) -> None:
    first = tool.run("push", registry, "--output", "json", **SOURCE)
    assert first.code == 0, str(first)
    images = first.result["images"]
    assert set(images) == set(tool.packages)
    for each in images.values():
        name, digest = each["image"].removeprefix(f"{registry}/").split("@")
        place = f"http://{registry}/v2/{name}/manifests/{each['tag']}"
        answer = httpx2.get(place, headers={"Accept": ACCEPTED}, timeout=10)
        assert answer.headers["Docker-Content-Digest"] == digest
    again = tool.run("push", registry, "--output", "json", **SOURCE)
    assert again.result["images"] == images
    assert "pushed" not in again.errors
    assert again.errors.count("present") == len(set(map(json.dumps, images.values())))
    release = json.loads((tool.root / "releases" / "compose.json").read_text())
    assert (release["system"], release["images"]) == ("shop", images)
    assert (release["repository"], release["commit"]) == tuple(SOURCE.values())


def test_a_push_that_nobody_knows_the_sources_of_is_refused(tool: Deploytool) -> None:
    ended = tool.run("push", "127.0.0.1:1")
    assert ended.code == 2, str(ended)
    assert "where the images come from is not known" in ended.errors


def test_a_registry_that_does_not_answer_is_named(tool: Deploytool) -> None:
    ended = tool.run("push", "127.0.0.1:1", **SOURCE)
    assert ended.code == 1, str(ended)
    assert "whether there is 127.0.0.1:1/" in ended.errors
    assert "connection refused" in ended.errors
