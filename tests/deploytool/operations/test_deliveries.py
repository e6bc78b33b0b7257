"""Which release a target is brought to, and when all of it has arrived there."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from deploytool.canary.machine import Canary, Phase
from deploytool.errors import CheckFailed, InvalidInput
from deploytool.operations import deliveries, replacement
from deploytool.operations.admission import admit, admit_revision
from deploytool.operations.context import Context
from deploytool.operations.up import bring_up
from deploytool.platforms.base import Platform
from deploytool.record.event import Event
from deploytool.record.store import TargetState
from deploytool.system.declaration import System
from deploytool.system.release import ReleasedBuild, ReleaseFile
from deploytool.system.revision import Revision
from deploytool.system.targets import Proof
from tests.deploytool.operations.scripted import release_of

PARTS = ("back", "front")
PROOF = Proof(
    key=Path("release.pub"), repository="https://example.org/shop", require=frozenset({"signature"})
)
SYSTEM = System.model_validate(
    {
        "system": "shop",
        "components": {
            "db": {"kind": "postgresql", "database": "d", "migrations": "m", "roles": ["r"]},
            "edge": {"kind": "gateway"},
            **{name: {"kind": "service", "route": f"/{name}"} for name in PARTS},
        },
    }
)


@dataclass
class Store:
    state: TargetState = field(default_factory=TargetState)
    saved: int = 0

    def load(self) -> TargetState:
        return self.state

    def save(self, state: TargetState) -> None:
        self.state, self.saved = state, self.saved + 1


@dataclass
class Target:
    """A platform on which nothing runs."""

    store: Store = field(default_factory=Store)

    def fingerprint(self, _component: str, artifact: Path) -> str:
        return artifact.read_text()

    def require_images(self) -> None:
        pass

    def require_distinct_migrations(self) -> None:
        raise InvalidInput("two files of one version", why="they are", hint="rename one")


@dataclass
class Place:
    """A target, and what operations on it are given. build: what the artifacts are."""

    folder: Path
    target: Target = field(default_factory=Target)
    told: list[Event] = field(default_factory=list)

    def file(self, content: str = "1", commit: str = "") -> ReleaseFile:
        return release_of(self.folder, SYSTEM.components, content, commit)

    def context(self, file: ReleaseFile | None, build: str = "1", **changes: Any) -> Context:
        artifacts = {name: self.folder / f"{name}-{build}" for name in PARTS}
        for path in artifacts.values():
            path.write_text(build)
        context = Context(
            system=SYSTEM,
            platform=cast("Platform", self.target),
            target="memory",
            run="r1",
            command="up",
            artifacts=artifacts,
            emit=self.told.append,
            release=file,
        )
        return replace(context, **changes)

    def become_stable(self, context: Context, *names: str) -> None:
        """Do what a replacement leaves behind."""
        state = self.target.store.state
        for name in names:
            revision = context.built(name)
            state = state.model_copy(update={"stable": {**state.stable, name: revision}})
        self.target.store.state = state

    def stable(self, name: str) -> Revision:
        return self.target.store.state.stable[name]

    def promoted(self) -> list[str]:
        return [each.digest for each in self.target.store.state.promoted]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_release_has_arrived_once_every_component_is_stable(place: Place) -> None:
    file = place.file()
    context = place.context(file)
    deliveries.begin(context)
    place.become_stable(context, "back")
    deliveries.arrive(context)
    assert place.promoted() == []
    # By another process, that was given no release.
    place.become_stable(context, "front")
    deliveries.arrive(place.context(None))
    assert place.promoted() == [file.digest]
    assert place.target.store.state.release is None
    assert [each.event for each in place.told] == ["release-promoted"]


def test_a_component_with_other_settings_is_not_what_the_release_is(place: Place) -> None:
    context = place.context(place.file())
    deliveries.begin(context)
    place.become_stable(context, *PARTS)
    other = context.built("back", {"FAULT": "1"})
    state = place.target.store.state
    stable = {**state.stable, "back": other}
    place.target.store.state = state.model_copy(update={"stable": stable})
    deliveries.arrive(context)
    assert place.promoted() == []


def test_the_same_revision_from_other_bytes_is_not_what_the_release_is(place: Place) -> None:
    context = place.context(place.file())
    deliveries.begin(context)
    place.become_stable(place.context(None), *PARTS)
    deliveries.arrive(context)
    assert place.promoted() == []
    assert deliveries.runs_other_image(context, place.stable("back"))
    place.become_stable(context, *PARTS)
    assert not deliveries.runs_other_image(context, place.stable("back"))
    deliveries.arrive(context)
    assert place.promoted() != []


@pytest.mark.parametrize("phase", [Phase.ROLLED_BACK, Phase.OBSERVING])
def test_other_bytes_are_not_there_until_they_have_replaced_what_runs(
    place: Place, phase: Phase
) -> None:
    built, released = place.context(None), place.context(place.file())
    place.become_stable(built, "back")
    place.become_stable(released, "front")
    deliveries.begin(released)
    replacement.save(released, replaced(built.built("back"), released.built("back"), phase))
    assert place.stable("back") == built.built("back")
    assert deliveries.runs_other_image(released, place.stable("back"))
    deliveries.arrive(released)
    assert place.promoted() == []
    replacement.save(
        released, replaced(built.built("back"), released.built("back"), Phase.PROMOTED)
    )
    deliveries.arrive(released)
    assert place.promoted() != []


def test_of_what_runs_already_the_latest_release_of_it_is_known(place: Place) -> None:
    place.become_stable(place.context(place.file()), *PARTS)
    place.become_stable(place.context(None), "front")
    # A later commit that has built the same images.
    later = place.context(place.file(commit="2"))
    deliveries.begin(later)
    build = place.stable("back").released
    assert build is not None
    assert build.commit == "2" * 40
    # Nothing says so of what was built here.
    assert place.stable("front").released is None


def test_a_build_is_nothing_that_could_arrive(place: Place) -> None:
    released = place.context(place.file())
    deliveries.begin(released)
    built = place.context(None)
    deliveries.begin(built)
    place.become_stable(released, *PARTS)
    deliveries.arrive(built)
    assert place.promoted() == []


def test_where_no_release_was_on_its_way_nothing_is_written(place: Place) -> None:
    context = place.context(None)
    deliveries.begin(context)
    deliveries.arrive(context)
    assert place.target.store.saved == 0


def test_a_release_that_is_on_its_way_again_has_to_arrive_again(place: Place) -> None:
    contexts = [place.context(place.file(each), each) for each in "12"]
    for context in contexts:
        deliveries.begin(context)
        place.become_stable(context, *PARTS)
        deliveries.arrive(context)
    first, second = (context.release.digest for context in contexts if context.release)
    assert place.promoted() == [second, first]
    deliveries.begin(contexts[1])
    assert place.promoted() == [first]


def test_nobody_follows_a_release_that_was_rolled_back_from(place: Place) -> None:
    context = place.context(place.file())
    deliveries.begin(context)
    place.become_stable(context, *PARTS)
    deliveries.arrive(context)
    other, released = place.context(None, "other").built("back"), context.built("back")
    # By whichever process has ended it.
    replacement.save(context, replaced(other, released, is_rollback=True))
    assert place.promoted() != []
    replacement.save(context, replaced(released, other))
    assert place.promoted() != []
    replacement.save(context, replaced(released, other, is_rollback=True))
    assert place.promoted() == []


def replaced(
    before: Revision, after: Revision, phase: Phase = Phase.PROMOTED, *, is_rollback: bool = False
) -> Canary:
    return Canary(
        run="r1", component=before.component, stable=before, canary=after, steps=(),
        phase=phase, since=0, is_rollback=is_rollback,
    )  # fmt: skip


def test_what_is_refused_takes_nothing_from_a_release_that_has_arrived(place: Place) -> None:
    context = place.context(place.file())
    deliveries.begin(context)
    place.become_stable(context, *PARTS)
    deliveries.arrive(context)
    with pytest.raises(InvalidInput, match="two files of one version"):
        bring_up(context, place.target.store.state)
    assert place.promoted() != []


def test_a_target_without_a_demand_takes_builds_and_unproved_releases(place: Place) -> None:
    admit(place.context(None))
    admit(place.context(place.file()))
    admit_revision(place.context(None), place.context(None).built("back"))


def test_a_target_with_a_demand_takes_no_build(place: Place) -> None:
    with pytest.raises(InvalidInput, match="memory takes no build of this machine"):
        admit(place.context(None, proof=PROOF))


def test_back_to_what_came_from_no_release_goes_nobody_where_proof_is_demanded(
    place: Place,
) -> None:
    context = place.context(None, proof=PROOF)
    with pytest.raises(CheckFailed) as refused:
        admit_revision(context, context.built("back"))
    assert "came from no release" in refused.value.why
    assert refused.value.note == "nothing was changed"


def test_back_to_a_released_revision_its_image_is_verified_as_it_was_installed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[tuple[dict[str, ReleasedBuild], Proof]] = []
    note: Callable[..., None] = lambda builds, proof: verified.append((builds, proof))  # noqa: E731
    monkeypatch.setattr("deploytool.operations.admission.require_proof", note)
    released = place.context(place.file())
    place.become_stable(released, *PARTS)
    admit_revision(place.context(None, proof=PROOF), released.built("back"))
    [(builds, proof)] = verified
    assert builds == {"back": place.file().release.builds["back"]}
    assert proof is PROOF
