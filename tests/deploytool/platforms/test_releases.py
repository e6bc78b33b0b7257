"""Installed revisions are complete or not there, and the oldest go."""

import shutil
from pathlib import Path

import pytest

from deploytool.errors import InvalidInput
from deploytool.platforms.releases import Releases
from deploytool.system.revision import Revision, revision_of


def copy(artifact: Path, to: Path, revision: Revision) -> None:
    shutil.copyfile(artifact, to)
    if artifact.read_text() == "bad":
        raise InvalidInput(f"{revision.component} is bad")


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(tmp_path / "releases", "app", copy)


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    path = tmp_path / "artifact"
    path.write_text("content")
    return path


def test_what_is_installed_is_kept_newest_first(releases: Releases, artifact: Path) -> None:
    first, second = (revision_of("web", artifact=digit, environment={}) for digit in "12")
    for revision in (first, second, first):
        releases.install(revision, artifact)
    assert releases.revisions("web") == [first, second]
    assert releases.artifact(first).read_text() == "content"


def test_a_refused_artifact_leaves_nothing(releases: Releases, artifact: Path) -> None:
    revision = revision_of("web", artifact="1", environment={})
    artifact.write_text("bad")
    with pytest.raises(InvalidInput):
        releases.install(revision, artifact)
    assert not releases.is_installed(revision)
    assert list(releases.artifact(revision).parent.iterdir()) == []


def test_a_missing_artifact_is_named(releases: Releases, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="the artifact of web is missing"):
        releases.install(revision_of("web", artifact="1", environment={}), tmp_path / "none")


def test_the_oldest_are_removed_unless_they_are_needed(releases: Releases, artifact: Path) -> None:
    revisions = [revision_of("web", artifact=str(n), environment={}) for n in range(8)]
    for revision in revisions:
        releases.install(revision, artifact)
    releases.prune("web", [revisions[0].id])
    left = {revision.id for revision in releases.revisions("web")}
    assert left == {each.id for each in (revisions[0], *revisions[3:])}
