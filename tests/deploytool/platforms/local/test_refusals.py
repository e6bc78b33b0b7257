"""What the local platform refuses before it starts anything."""

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from deploytool.errors import InvalidInput, PlatformFailed
from deploytool.platforms.base import Condition, Role
from deploytool.record.store import TargetState
from tests.deploytool.platforms.local.conftest import Place, place_below


@pytest.fixture
def nothing(tmp_path: Path) -> Place:
    return place_below(tmp_path, None)


def test_a_target_that_was_never_set_up_is_absent_and_untouched(nothing: Place) -> None:
    with nothing.open() as platform:
        assert {i.condition for i in platform.instances()} == {Condition.ABSENT}
        assert set(platform.foundation_changes()) == {"store", "edge"}
        assert list(platform.revisions("web")) == []
        assert list(platform.logs(["web"], lines=5, follow=False, is_stopped=bool)) == []
        platform.down(remove_volumes=True, deadline_s=5)
        with pytest.raises(PlatformFailed, match="not set up"):
            platform.query("SELECT 1")
    assert not nothing.folder.exists()


def test_a_missing_runtime_says_how_to_get_one(nothing: Place) -> None:
    with nothing.open() as platform, pytest.raises(InvalidInput, match="runtime is missing"):
        platform.prepare()


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    place = Place(tmp_path, None, state=Path("file/state"))
    with place.open() as platform, pytest.raises(InvalidInput) as failure:
        platform.prepare()
    assert str(tmp_path / "file") in failure.value.why


def test_a_full_disk_is_refused_before_anything_is_copied(
    nothing: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 10**6))
    nothing.folder.mkdir()
    with nothing.open() as platform, pytest.raises(PlatformFailed, match="no space left"):
        platform.install(nothing.revision(), nothing.service)
    assert not list(nothing.folder.rglob("app.pex"))


def test_an_artifact_that_changed_since_it_was_named_is_refused(nothing: Place) -> None:
    other = nothing.root / "other.pex"
    other.write_text("something else")
    nothing.folder.mkdir()
    with nothing.open() as platform:
        with pytest.raises(InvalidInput, match="is not that of revision"):
            platform.install(nothing.revision(), other)
        assert list(platform.revisions("web")) == []


def test_a_revision_that_is_not_installed_cannot_be_started(nothing: Place) -> None:
    with nothing.open() as platform, pytest.raises(PlatformFailed, match="is not installed"):
        platform.start(nothing.revision(), Role.STABLE)


def test_only_the_newest_revisions_are_kept(nothing: Place) -> None:
    nothing.folder.mkdir()
    revisions = [nothing.revision(N=str(n)) for n in range(7)]
    with nothing.open() as platform:
        for revision in revisions:
            platform.install(revision, nothing.service)
        assert list(platform.revisions("web")) == revisions[:1:-1]


def test_what_a_rollback_may_go_back_to_stays_installed(nothing: Place) -> None:
    nothing.folder.mkdir()
    revisions = [nothing.revision(N=str(n)) for n in range(9)]
    with nothing.open() as platform:
        platform.store.save(TargetState(earlier={"web": (revisions[0],)}))
        for revision in revisions:
            platform.install(revision, nothing.service)
        assert list(platform.revisions("web")) == [*revisions[:3:-1], revisions[0]]
