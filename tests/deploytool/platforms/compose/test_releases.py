"""An installed revision runs what was built here, or the image of the release it came from."""

import json
from pathlib import Path

import pytest

from deploytool.errors import InvalidInput
from deploytool.platforms.base import Role
from deploytool.platforms.compose.parts import require_all
from deploytool.platforms.compose.project import Project
from deploytool.platforms.compose.releases import ComposeReleases
from deploytool.platforms.images import image_name, released_build, write_artifacts
from deploytool.system.release import ReleasedBuild, ReleasedImage
from deploytool.system.revision import Revision, revision_of


def build(digit: str) -> ReleasedBuild:
    image = ReleasedImage(
        image=f"localhost:5000/web@sha256:{digit * 64}", tag="t1", platform="linux/amd64"
    )
    return ReleasedBuild(image=image, repository="https://example.org/shop", commit=digit * 40)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    path = tmp_path / "compose.yaml"
    path.write_text("services: {web: {image: 'web:local', expose: ['8080']}}\n")
    return Project(path, {}, {})


@pytest.fixture
def releases(tmp_path: Path, project: Project) -> ComposeReleases:
    return ComposeReleases(tmp_path / "releases", project)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    path = tmp_path / "image.docker-info.json"
    path.write_text(json.dumps({"registries": [{"tags": [{"name": "web:t1"}]}]}))
    return path


def released(folder: Path, digit: str) -> Path:
    place = folder / digit
    place.mkdir(exist_ok=True)
    return write_artifacts(place, {"web": build(digit)})["web"]


def revision(project: Project, artifact: Path) -> Revision:
    digest = project.fingerprint("web", image_name(artifact))
    return revision_of("web", digest, {}, released_build(artifact))


def test_the_same_content_is_the_same_revision_wherever_it_comes_from(
    project: Project, built: Path, tmp_path: Path
) -> None:
    ids = {revision(project, path).id for path in (built, released(tmp_path, "a"))}
    assert len(ids) == 1


def test_each_build_of_the_same_content_can_be_started_whichever_was_installed_last(
    releases: ComposeReleases, project: Project, built: Path, tmp_path: Path
) -> None:
    artifacts = {
        "web:t1": built,
        **{build(digit).image.image: released(tmp_path, digit) for digit in "ab"},
    }
    named = {image: revision(project, path) for image, path in artifacts.items()}
    for image, path in artifacts.items():
        releases.install(named[image], path)
        found = {each: releases.started(named[each], Role.STABLE, {}).image for each in named}
        assert found == {each: each for each in named}
    assert [each.id for each in releases.revisions("web")] == [named["web:t1"].id]


def test_what_an_earlier_version_installed_can_be_started(
    releases: ComposeReleases, project: Project, built: Path
) -> None:
    named = revision(project, built)
    releases.install(named, built)
    file = releases.artifact(named)
    file.write_text(json.dumps({**json.loads(file.read_text()), "released": None}))
    assert releases.started(named, Role.STABLE, {}).image == "web:t1"


def test_beside_a_release_nothing_else_runs() -> None:
    require_all({"web": "1", "store": "2"}, ["store"])
    with pytest.raises(InvalidInput, match="the release has no image of migrations") as refused:
        require_all({"store": "2"}, ["store", "migrations"])
    assert "the release has store" in refused.value.why
