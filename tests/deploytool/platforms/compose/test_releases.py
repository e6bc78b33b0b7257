"""An installed revision remembers which image it runs, and whether it was one of a release."""

import json
from pathlib import Path

import pytest

from deploytool.errors import InvalidInput
from deploytool.platforms.base import Role
from deploytool.platforms.compose.parts import require_all
from deploytool.platforms.compose.project import Project
from deploytool.platforms.compose.releases import ComposeReleases
from deploytool.platforms.images import image_name, write_artifacts
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
    return revision_of("web", project.fingerprint("web", image_name(artifact)), {})


def test_the_same_content_is_the_same_revision_wherever_it_comes_from(
    project: Project, built: Path, tmp_path: Path
) -> None:
    ids = {revision(project, path).id for path in (built, released(tmp_path, "a"))}
    assert len(ids) == 1


def test_what_was_installed_last_is_what_runs(
    releases: ComposeReleases, project: Project, built: Path, tmp_path: Path
) -> None:
    named = revision(project, built)
    releases.install(named, built)
    assert releases.started(named, Role.STABLE, {}).image == "web:t1"
    assert releases.released(named) is None
    for digit in "ab":
        releases.install(named, released(tmp_path, digit))
        assert releases.started(named, Role.STABLE, {}).image == build(digit).image.image
        assert releases.released(named) == build(digit)
    assert releases.revisions("web") == [named]


def test_what_is_not_installed_came_from_no_release(releases: ComposeReleases) -> None:
    assert releases.released(revision_of("web", "none", {})) is None


def test_beside_a_release_nothing_else_runs() -> None:
    require_all({"web": "1", "store": "2"}, ["store"])
    with pytest.raises(InvalidInput, match="the release has no image of migrations") as refused:
        require_all({"store": "2"}, ["store", "migrations"])
    assert "the release has store" in refused.value.why
