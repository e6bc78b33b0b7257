"""The parts of the Compose platform, put together for one target."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from subprocess import CompletedProcess

from deploytool.errors import InvalidInput
from deploytool.platforms.base import MigrationKind
from deploytool.platforms.compose.compose_command import ComposeCommand
from deploytool.platforms.compose.database import ComposeDatabase
from deploytool.platforms.compose.engine import Engine
from deploytool.platforms.compose.folder import OPEN_FILE, StateFolder
from deploytool.platforms.compose.foundation import Foundation
from deploytool.platforms.compose.gateway import ComposeGateway
from deploytool.platforms.compose.health import Health
from deploytool.platforms.compose.project import Project
from deploytool.platforms.compose.releases import ComposeReleases
from deploytool.platforms.compose.running import Running, known_images
from deploytool.platforms.detachment import Detachment
from deploytool.platforms.docker_client import client_environment
from deploytool.platforms.images import image_base, released_build, runnable_name
from deploytool.platforms.migration_sessions import session_settings
from deploytool.platforms.migrations import Migrations
from deploytool.platforms.ports import Ports
from deploytool.platforms.released_images import pull
from deploytool.platforms.secrets import Secrets
from deploytool.record.file_store import FileStore
from deploytool.system.declaration import System
from deploytool.system.targets import ComposeTarget


def require_all(images: Mapping[str, str], services: Collection[str]) -> None:
    """Raise InvalidInput unless a release has an image of each: none is to run another one."""
    missing = [service for service in services if service not in images]
    if missing:
        raise InvalidInput(
            f"the release has no image of {', '.join(missing)}",
            why=f"the Compose file has it, and the release has {', '.join(sorted(images))}",
            hint="push all images of a target: `deploytool push REGISTRY`",
        )


class Parts:
    """What a Compose target consists of.

    Those that depend on the Compose file are made anew by `read_project`, when a port or an image
    was chosen.
    """

    def __init__(
        self,
        *,
        target: ComposeTarget,
        system: System,
        state: Path,
        root: Path,
        deploy: Path,
        artifacts: Mapping[str, Path],
        on_secret: Callable[[str], None],
    ) -> None:
        self._system = system
        self._target = target
        self._file = deploy / target.file
        # The others bring programs along, for another platform for example.
        self._artifacts = {name: path for name, path in artifacts.items() if path.suffix == ".json"}
        self.folder = StateFolder(state)
        self.store = FileStore(state)
        self.secrets = Secrets(self.folder.secrets, on_secret, mode=OPEN_FILE)
        self.engine = Engine(target.project)
        self.health = Health(self.engine, self.secrets.mask)
        self.detachment = Detachment(self.folder.tool, root, client_environment())
        name, database = system.database
        self.database = ComposeDatabase(name, database.database, self.engine, self.secrets)
        ports = Ports(self.folder.ports)
        self.gateway = ComposeGateway(system.gateway, self.folder, ports, target.gateway_port)
        self.migrations = Migrations(
            deploy / database.migrations,
            self.database.rows,
            self._run_migrations,
            self.secrets.mask,
            database.lock_timeout_s,
        )
        self._session = session_settings(database.lock_timeout_s)
        self.read_project()

    def read_project(self) -> None:
        """Read the Compose file with the ports and images of now."""
        variables = {
            "SECRETS_FOLDER": str(self.folder.secrets),
            "ROUTES_FOLDER": str(self.folder.routes),
            "GATEWAY_PORT": str(self.gateway.port),
            "GATEWAY_ADMIN_PORT": str(self.gateway.admin_port),
        }
        self.images = {**known_images(self.folder), **self._built()}
        self.project = Project(self._file, variables, self.images)
        self.running = Running(self.folder, self.project, self._others())
        self.releases = ComposeReleases(self.folder.releases, self.project)
        self.compose = ComposeCommand(
            self._target.project, self.folder.compose_file, self._file.parent, variables
        )
        self.foundation = Foundation(
            self._system,
            self.folder,
            self.engine,
            self.compose,
            self.running,
            self.database,
            self.gateway,
        )

    def released(self) -> set[str]:
        """Return the images of the release that is deployed, NAME@DIGEST; none without one."""
        builds = (released_build(path) for path in self._artifacts.values() if path.is_file())
        return {build.image.image for build in builds if build is not None}

    def fetch(self, images: Collection[str]) -> None:
        """Pull those images of releases, NAME@DIGEST, that the engine lacks."""
        for image in self.missing(images):
            pull(image)

    def missing(self, images: Collection[str]) -> list[str]:
        """Return those images that the engine lacks."""
        return [image for image in sorted(images) if not self.engine.has_image(image)]

    def _built(self) -> dict[str, str]:
        """Return the images that were built for services that are no revisions."""
        built = {
            service: runnable_name(path)
            for service, path in self._artifacts.items()
            if service not in self._system.services and path.is_file()
        }
        released = {image_base(image): image for image in self.released()}
        if released:
            # A release that was pushed for another target knows some by other names.
            declared = Project(self._file, {}, {})
            bases = {name: image_base(declared.image(name)) for name in self._others()}
            built |= {
                service: released[base]
                for service, base in bases.items()
                if service not in built and base in released
            }
            require_all(built, self._others())
        return built

    def _others(self) -> tuple[str, ...]:
        """Return the services of the Compose file that are no revisions."""
        migrations = self._target.migrations
        return (
            self.database.component,
            self.gateway.component,
            migrations.expand,
            migrations.contract,
        )

    def _run_migrations(
        self, kind: MigrationKind, look: Callable[[], None]
    ) -> "CompletedProcess[str]":
        services = self._target.migrations
        service = services.expand if kind == "expand" else services.contract
        return self.compose.run_once(service, self._session, look)
