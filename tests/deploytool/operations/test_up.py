"""`up` brings services up in the order of what they need, and together where they need nothing."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deploytool.canary.machine import Canary, Phase
from deploytool.errors import MigrationFailed, NotReady
from deploytool.operations import deliveries
from deploytool.operations.canary import CanaryOptions, begun
from deploytool.operations.context import Context
from deploytool.operations.up import bring_up, require_foundation, up
from deploytool.platforms.base import Answer, Condition, Instance, Platform, Role
from deploytool.record.store import TargetState
from deploytool.system.declaration import System
from deploytool.system.revision import Revision
from tests.deploytool.operations.scripted import Store, release_of


@dataclass
class Together:
    """A target whose services answer once all that were started at the same time are there.

    needs: service -> how many must have been started before it answers.
    """

    needs: dict[str, int]
    store: Store = field(default_factory=Store)
    started: list[str] = field(default_factory=list)
    revisions: dict[str, str] = field(default_factory=dict)

    def fetch(self, revisions: Sequence[Revision]) -> None:
        """All is at hand."""

    def prepare(self) -> None:
        """Nothing is lacking."""

    def foundation_changes(self) -> dict[str, str]:
        return {}

    def start_foundation(self, _deadline_s: float, meanwhile: Callable[[], None]) -> Sequence[str]:
        meanwhile()
        self.started.append("foundation")
        return ()

    def pending_migrations(self, kind: str) -> Sequence[str]:
        return ["1_grow.sql"] if kind == "expand" else ()

    def require_distinct_migrations(self) -> None:
        """Each has a version of its own."""

    def migrate(
        self, kind: str, _deadline_s: float, _tell: Callable[[str, str], None]
    ) -> Sequence[str]:
        self.started.append(f"{kind} migrations")
        return ()

    def fingerprint(self, component: str, _artifact: Path) -> str:
        return component

    def install(self, revision: Revision, _artifact: Path) -> None:
        self.revisions[revision.component] = revision.id

    def start(self, revision: Revision, _role: Role) -> None:
        self.started.append(revision.component)

    def instance(self, component: str, role: Role) -> Instance:
        services = SYSTEM.services.keys() & self.started
        is_there = len(services) >= self.needs.get(component, 0)
        condition = Condition.READY if is_there else Condition.WAITING
        return Instance(component, role, self.revisions.get(component, ""), condition, "")

    def instances(self) -> Sequence[Instance]:
        return ()

    def request(self, component: str, _role: Role, _path: str) -> Answer:
        return Answer(200, json.dumps({"revision": self.revisions[component]}).encode(), 0.001)


def service(route: str, *after: str) -> dict[str, Any]:
    return {"kind": "service", "route": route, "after": after, "ready_deadline_s": 5}


SYSTEM = System.model_validate(
    {
        "system": "example",
        "components": {
            "db": {"kind": "postgresql", "database": "d", "migrations": "m", "roles": ["r"]},
            "edge": {"kind": "gateway"},
            "front": service("/f", "back", "side"),
            "back": service("/b", "db"),
            "side": service("/s"),
        },
    }
)


def context(target: object, artifact: Path = Path()) -> Context:
    seconds = iter(range(1000))
    return Context(
        system=SYSTEM,
        platform=cast("Platform", target),
        target="memory",
        run="r",
        command="up",
        artifacts=dict.fromkeys(SYSTEM.services, artifact),
        emit=lambda _: None,
        monotonic=lambda: next(seconds),
        sleep=lambda _: None,
    )


def brought_up(target: Together, artifact: Path) -> TargetState:
    artifact.touch()
    bring_up(context(target, artifact), target.store.load())
    return target.store.load()


def test_what_waits_for_nobody_starts_while_the_database_does_and_the_rest_in_order(
    tmp_path: Path,
) -> None:
    target = Together({"back": 2, "side": 2, "front": 3})
    state = brought_up(target, tmp_path / "artifact")
    assert target.started == ["side", "foundation", "expand migrations", "back", "front"]
    assert {name: each.id for name, each in state.stable.items()} == target.revisions


def test_a_release_is_promoted_once_up_has_ended(tmp_path: Path) -> None:
    target, release = Together({}), release_of(tmp_path, SYSTEM.components)
    artifact = tmp_path / "artifact"
    artifact.touch()
    up(replace(context(target, artifact), release=release))
    assert [each.digest for each in target.store.load().promoted] == [release.digest]


def test_a_canary_that_begins_keeps_of_which_release_it_is(tmp_path: Path) -> None:
    target, release = Together({}), release_of(tmp_path, SYSTEM.components)
    artifact = tmp_path / "artifact"
    artifact.touch()
    given = replace(context(target, artifact), release=release, has_visitors=True)
    with begun(given, CanaryOptions(component="back")):
        kept = target.store.load().release
    assert kept is not None
    assert kept.digest == release.digest
    assert kept.revisions == target.revisions
    assert target.store.load().promoted == ()


@pytest.mark.parametrize("operation", ["up", "canary"])
def test_what_an_earlier_promotion_left_undone_is_done_on_the_way(
    tmp_path: Path, operation: str
) -> None:
    target, release = Together({}), release_of(tmp_path, SYSTEM.components)
    artifact = tmp_path / "artifact"
    artifact.touch()
    given = replace(context(target, artifact), release=release, has_visitors=True)
    up(given)
    digest = release.digest
    # The last canary of the release has just promoted its component, and was killed.
    deliveries.begin(given)
    revision = given.built("back")
    killed = Canary(
        run="killed", component="back", stable=revision, canary=revision, steps=(10,),
        phase=Phase.PROMOTED, since=0,
    )  # fmt: skip
    target.store.save(target.store.load().with_stable(killed))
    assert target.store.load().promoted == ()
    if operation == "up":
        up(given)
        assert [each.digest for each in target.store.load().promoted] == [digest]
        return
    with begun(replace(given, release=None), CanaryOptions(component="back")):
        state = target.store.load()
    assert (state.concluding, [each.digest for each in state.promoted]) == (None, [digest])


def test_whoever_needs_one_that_does_not_come_is_not_started(tmp_path: Path) -> None:
    target = Together({"side": 99})
    with pytest.raises(NotReady, match="side stable"):
        brought_up(target, tmp_path / "artifact")
    assert target.started == ["side", "foundation", "expand migrations", "back"]
    assert list(target.store.load().stable) == ["back"]


def test_a_contract_migration_that_is_refused_at_the_end_tells_that_the_rest_runs(
    tmp_path: Path,
) -> None:
    class Refusing(Together):
        def pending_migrations(self, kind: str) -> Sequence[str]:
            if kind == "contract" and "front" in self.started:
                raise MigrationFailed("drop.sql was refused", why="it is in use")
            return super().pending_migrations(kind)

    with pytest.raises(MigrationFailed) as refused:
        brought_up(Refusing({}), tmp_path / "artifact")
    assert refused.value.note == "all that is declared and built runs; nothing of it was undone"


@pytest.mark.parametrize(
    ("gateway", "is_started"),
    [
        (Condition.READY, False),
        (Condition.SERVING, False),
        (Condition.WAITING, True),
        (Condition.ABSENT, True),
    ],
)
def test_what_is_gone_back_from_leaves_a_database_and_a_gateway_that_serve_as_they_are(
    gateway: Condition, is_started: bool
) -> None:
    started = []

    def instance(component: str, role: Role) -> Instance:
        return Instance(
            component, role, "", gateway if component == "edge" else Condition.READY, ""
        )

    def start_foundation(deadline_s: float, _: Callable[[], None]) -> Sequence[str]:
        started.append(deadline_s)
        return ()

    require_foundation(
        context(SimpleNamespace(instance=instance, start_foundation=start_foundation))
    )
    assert bool(started) is is_started
