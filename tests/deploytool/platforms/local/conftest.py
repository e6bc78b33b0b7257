"""One system of one small service, and its target in a folder with a space in its name."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deploytool.platforms.base import Condition, Instance, MigrationKind, Platform, Role
from deploytool.platforms.local import open_local
from deploytool.system.declaration import System
from deploytool.system.revision import Revision, digest_of, revision_of
from deploytool.system.targets import LocalTarget

# Where Pants puts the package that a test asks for.
_BUILT = Path("src.python.deploytool.platforms.local/runtime.pex")

SYSTEM = System.model_validate(
    {
        "system": "test",
        "components": {
            "store": {
                "kind": "postgresql",
                "database": "test",
                "migrations": "migrations",
                "roles": ["web"],
            },
            "edge": {"kind": "gateway"},
            "web": {
                "kind": "service",
                "after": ["store"],
                "route": "/app",
                "drain_s": 5,
                "environment": {
                    "LISTEN_PORT": "${self.port}",
                    "SERVICE_REVISION": "${self.revision}",
                    "DB_PASS_FILE": "${store.password_file.web}",
                    "OWN_URL": "${web.url}",
                },
            },
        },
    }
)


def declared(**fields: object) -> System:
    """Return the tests' system with more declared of its service."""
    data = SYSTEM.model_dump(mode="json", exclude_unset=True)
    data["components"]["web"].update(fields)
    return System.model_validate(data)


@dataclass
class Place:
    """A repository with a target, opened as often as one likes."""

    root: Path
    runtime: Path | None
    gateway_port: int | None = None
    system: System = SYSTEM
    state: Path = Path("state folder")
    waits: list[str] = field(default_factory=list)
    service: Path = field(default=Path(__file__).with_name("service.txt"))

    @property
    def folder(self) -> Path:
        return self.root / self.state

    @property
    def migrations(self) -> Path:
        return self.root / "deploy/migrations"

    def open(self) -> AbstractContextManager[Platform]:
        return open_local(
            target=LocalTarget(
                platform="processes", state=self.state, gateway_port=self.gateway_port
            ),
            system=self.system,
            root=self.root,
            deploy=self.root / "deploy",
            artifacts={} if self.runtime is None else {"runtime": self.runtime},
            on_secret=lambda _: None,
            on_wait=self.waits.append,
        )

    def revision(self, **environment: str) -> Revision:
        declared = SYSTEM.services["web"].environment
        return revision_of("web", digest_of(self.service), {**declared, **environment})

    def start(self, platform: Platform, role: Role, **environment: str) -> Revision:
        """Install and start the test's service, and wait until it is ready."""
        revision = self.revision(**environment)
        platform.install(revision, self.service)
        platform.start(revision, role)
        await_condition(lambda: platform.instance("web", role))
        return revision


def await_condition(
    look: Callable[[], Instance], condition: Condition = Condition.READY, limit_s: float = 20
) -> Instance:
    deadline = time.monotonic() + limit_s
    while (instance := look()).condition is not condition:
        assert time.monotonic() < deadline, instance
        time.sleep(0.05)
    return instance


def migrate(
    platform: Platform,
    kind: MigrationKind = "expand",
    deadline_s: float = 30,
    tell: Callable[[str, str], None] = lambda _name, _why: None,
) -> list[str]:
    """Apply what is pending; return the names."""
    return list(platform.migrate(kind, deadline_s, tell))


def place_below(root: Path, runtime: Path | None) -> Place:
    place = Place(root, runtime)
    (place.migrations / "expand").mkdir(parents=True)
    (place.migrations / "expand/20260101000000_things.sql").write_text(
        "-- migrate:up\nCREATE TABLE things (n int); INSERT INTO things VALUES (7);\n"
        "GRANT SELECT ON things TO web;\n-- migrate:down\n"
    )
    return place


def equipped_place(root: Path, source: Place) -> Place:
    """Return a place with the tools of another one: to unpack them again takes seconds."""
    place = place_below(root, source.runtime)
    shutil.copytree(
        source.folder / "tools", place.folder / "tools", symlinks=True, copy_function=os.link
    )
    return place


@pytest.fixture(scope="session")
def runtime() -> Path:
    if _BUILT.exists():
        return _BUILT.resolve()
    return Path(json.loads(os.environ["DEPLOYTOOL_ARTIFACTS"])["runtime"])


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory, runtime: Path) -> Place:
    """A place where nothing runs; it has unpacked the tools for all."""
    place = place_below(tmp_path_factory.mktemp("unpacked"), runtime)
    with place.open() as platform:
        platform.prepare()
        platform.down(remove_volumes=False, deadline_s=20)
    return place


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, unpacked: Place) -> Iterator[Place]:
    place = equipped_place(tmp_path_factory.mktemp("a repository"), unpacked)
    yield place
    with place.open() as platform:
        platform.down(remove_volumes=True, deadline_s=20)


@pytest.fixture
def up(place: Place) -> Iterator[Platform]:
    """The target with everything up, stable alone, whatever the test before left."""
    with place.open() as platform:
        platform.prepare()
        platform.start_foundation(60)
        platform.set_weight("web", 0, 10)
        platform.stop("web", Role.CANARY)
        place.start(platform, Role.STABLE)
        yield platform
