"""The Compose platform as one whole: what `Platform` asks for, by Docker, Traefik, PostgreSQL.

It maps the protocol to the parts; whatever decides or waits is in these.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from deploytool.canary.observation import Snapshot
from deploytool.errors import PlatformFailed
from deploytool.platforms.base import Answer, Condition, Instance, LogLine, MigrationKind, Role
from deploytool.platforms.compose.compose_command import ComposeCommand
from deploytool.platforms.compose.database import ComposeDatabase
from deploytool.platforms.compose.detachment import Detachment
from deploytool.platforms.compose.engine import Container, Engine
from deploytool.platforms.compose.folder import OPEN_FILE, StateFolder
from deploytool.platforms.compose.foundation import Foundation
from deploytool.platforms.compose.gateway import ComposeGateway
from deploytool.platforms.compose.health import Health
from deploytool.platforms.compose.logs import read_logs
from deploytool.platforms.compose.project import Project, service_name
from deploytool.platforms.compose.releases import ComposeReleases
from deploytool.platforms.compose.running import Running, known_images
from deploytool.platforms.files import disk, write
from deploytool.platforms.http import complaint_of, get
from deploytool.platforms.images import image_name
from deploytool.platforms.migrations import MIGRATE_S, Migrations
from deploytool.platforms.ports import Ports
from deploytool.platforms.references import Places, own_references, references, resolve
from deploytool.platforms.secrets import Secrets
from deploytool.record.file_store import FileStore
from deploytool.record.store import TargetStore
from deploytool.system.declaration import System
from deploytool.system.revision import Revision
from deploytool.system.targets import ComposeTarget

# Requests that the router sent just before it took a backend off reach it within this time.
_GRACE_S = 0.5
_ROUTE_S = 15.0
# Where Compose puts the secrets that a service lists.
_SECRETS = "/run/secrets"


class ComposePlatform:
    """A target on a Docker engine; see `Platform` for what each method promises."""

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
        self._folder = StateFolder(state)
        self._file = deploy / target.file
        self._artifacts = artifacts
        self._store = FileStore(state)
        self._secrets = Secrets(self._folder.secrets, on_secret, mode=OPEN_FILE)
        self._engine = Engine(target.project)
        self._health = Health(self._engine, self._secrets.mask)
        self._detachment = Detachment(self._folder.tool, root)
        name, database = system.database
        self._database = ComposeDatabase(name, database.database, self._engine, self._secrets)
        ports = Ports(self._folder.ports)
        self._gateway = ComposeGateway(system.gateway, self._folder, ports, target.gateway_port)
        self._migrations = Migrations(
            deploy / database.migrations, self.query, self._run_migrations, self._secrets.mask
        )
        self._read_project()

    def _read_project(self) -> None:
        """Read the Compose file with the ports and images of now."""
        migrations = self._target.migrations
        others = (
            self._database.component,
            self._gateway.component,
            migrations.expand,
            migrations.contract,
        )
        variables = {
            "SECRETS_FOLDER": str(self._folder.secrets),
            "ROUTES_FOLDER": str(self._folder.routes),
            "GATEWAY_PORT": str(self._gateway.port),
            "GATEWAY_ADMIN_PORT": str(self._gateway.admin_port),
        }
        built = {
            service: image_name(path)
            for service, path in self._artifacts.items()
            if service not in self._system.services and path.is_file()
        }
        images = {**known_images(self._folder), **built}
        self._images = images
        self._project = Project(self._file, variables, images)
        self._running = Running(self._folder, self._project, others)
        self._releases = ComposeReleases(self._folder.releases, self._project)
        self._compose = ComposeCommand(
            self._target.project, self._folder.compose_file, self._file.parent, variables
        )
        self._foundation = Foundation(
            self._system,
            self._folder,
            self._engine,
            self._compose,
            self._running,
            self._database,
            self._gateway,
        )

    def close(self) -> None:
        """Close the connections; everything goes on running."""
        self._gateway.close()
        self._engine.close()

    @property
    def store(self) -> TargetStore:
        """The state and lock, as files of the state folder."""
        return self._store

    def prepare(self) -> None:
        """See that the engine answers; make folders, secrets and the choice of ports."""
        self._engine.require()
        self._folder.create()
        self._foundation.require_secrets()
        self._database.make_secrets(
            self._system.database[1].roles, self._project.port(self._database.component)
        )
        gateway = self._engine.container(self._gateway.component)
        self._gateway.choose_ports(is_running=gateway is not None and gateway.is_running)
        write(self._folder.images, json.dumps(self._images, indent=2, sort_keys=True))
        self._read_project()

    def fingerprint(self, component: str, artifact: Path) -> str:
        """Return the digest of the image's content tag and of the component's section."""
        return self._project.fingerprint(component, image_name(artifact))

    def install(self, revision: Revision, artifact: Path) -> None:
        """Keep the revision's image and section; forget the oldest ones."""
        self._releases.install(revision, artifact)
        running = {started.revision for started in self._running.all()}
        needed = self._store.load().needed(revision.component)
        self._releases.prune(revision.component, running | needed)

    def revisions(self, component: str) -> Sequence[Revision]:
        """Return the installed revisions of a component, newest first."""
        return self._releases.revisions(component)

    def start_foundation(self, deadline_s: float) -> Sequence[str]:
        """Start PostgreSQL and Traefik, with roles and routes."""
        return self._foundation.start(self._project, deadline_s)

    def foundation_changes(self) -> Mapping[str, str]:
        """Return why PostgreSQL or Traefik would be started or replaced."""
        return self._foundation.changes(self._project)

    def migrate(self, kind: MigrationKind) -> Sequence[str]:
        """Apply pending migrations by the service that the target names for the kind."""
        return self._migrations.apply(kind)

    def pending_migrations(self, kind: MigrationKind) -> Sequence[str]:
        """Return the pending migration files' names."""
        return [path.name for path in self._migrations.pending(kind)]

    def start(self, revision: Revision, role: Role) -> None:
        """Run the revision's container and route to it; a canary gets no requests yet."""
        component = revision.component
        port = self._project.port(component)
        known = references(
            self._system,
            Places(
                database_host=self._database.component,
                database_port=self._project.port(self._database.component),
                gateway_url=self._gateway.inner_url(self._project),
                password_file=lambda name: f"{_SECRETS}/{self._database.secret(name)}",
            ),
        )
        # Inside its container a service may listen on every address: no other one is there.
        own = own_references("0.0.0.0", port, revision.id)  # noqa: S104
        environment = resolve(component, revision.environment, {**known, **own})
        started = self._releases.started(revision, role, environment)
        self._running.add(started)
        self._compose.start(started.service)
        service = self._system.services[component]
        routes = self._gateway.routes
        route = routes.with_instance(
            component, service, role.arm, f"http://{started.service}:{port}"
        )
        routes.take_over(route, self._gateway.api(), _ROUTE_S)

    def stop(self, component: str, role: Role) -> None:
        """Take the instance off the router, wait a moment, end its container."""
        if self._gateway.routes.remove(component, role.arm, self._gateway.api(), _ROUTE_S):
            time.sleep(_GRACE_S)
        if self._running.of(component, role) is not None:
            self._compose.remove(service_name(component, role))
            self._running.remove(component, role)

    def instances(self) -> Sequence[Instance]:
        """Return the database, the gateway, each service's stable and what else should run."""
        wanted = [(name, Role.STABLE) for name in self._system.components]
        kept = [(started.component, started.role) for started in self._running.all()]
        containers = self._engine.containers()
        return [self._instance(*each, containers) for each in dict.fromkeys(wanted + kept)]

    def instance(self, component: str, role: Role) -> Instance:
        """Return how one instance is."""
        return self._instance(component, role, self._engine.containers())

    def _instance(self, component: str, role: Role, containers: Sequence[Container]) -> Instance:
        name = service_name(component, role)
        container = next((each for each in containers if each.service == name), None)
        service = self._system.services.get(component)
        started = self._running.of(component, role)
        if started is None and (service is not None or container is None):
            return Instance(component, role, "", Condition.ABSENT, "was not started")
        if service is None:
            return self._health.of(
                component,
                role,
                "",
                container,
                address=self._foundation_address(component),
                complain=lambda found: self._foundation.complaint(component, found),
            )
        ready, port = service.health.ready, self._project.port(component)
        return self._health.of(
            component,
            role,
            started.revision if started else "",
            container,
            address=f"{container.address}:{port}" if container else "",
            complain=lambda found: complaint_of(f"http://{found.address}:{port}{ready}"),
        )

    def request(self, component: str, role: Role, path: str) -> Answer:
        """GET a path from an instance, at its container's own address."""
        container = self._engine.container(service_name(component, role))
        if container is None or not container.is_running:
            raise PlatformFailed(
                f"{component} {role} does not run",
                why="it has no running container",
                hint="see `deploytool status`",
            )
        return get(f"http://{container.address}:{self._project.port(component)}{path}")

    def request_through_gateway(self, path: str) -> Answer:
        """GET a path at the gateway."""
        return get(self.gateway_url() + path)

    def set_weight(self, component: str, canary_percent: int, deadline_s: float) -> None:
        """Write the weight and wait until the router has it in force."""
        self._gateway.routes.set_weight(component, canary_percent, self._gateway.api(), deadline_s)

    def weight(self, component: str) -> int:
        """Return the share that the router has in force."""
        kept = self._gateway.routes.route(component)
        return self._gateway.api().canary_percent(component, kept)

    def observe(self, component: str) -> Snapshot:
        """Read both backends' counters in one scrape."""
        return self._gateway.api().snapshot(component)

    def gateway_url(self) -> str:
        """Return the gateway's address."""
        return self._gateway.url()

    def query(self, sql: str) -> Sequence[Mapping[str, Any]]:
        """Run a read-only query by psql, in the database's container."""
        return self._database.rows(sql)

    def logs(
        self, components: Sequence[str], *, lines: int, follow: bool, is_stopped: Callable[[], bool]
    ) -> Iterator[LogLine]:
        """Yield log lines, secrets masked."""
        wanted = {
            service_name(component, role): (component, role)
            for component in components
            for role in Role
            if component not in self._system.services
            or self._running.of(component, role) is not None
        }
        if not wanted or not self._folder.compose_file.is_file():
            return
        more = ["--follow"] if follow else []
        argv = self._compose.argv("logs", "--no-color", f"--tail={lines}", *more)
        for line in read_logs(argv, self._compose.environment(), wanted, is_stopped=is_stopped):
            yield replace(line, text=self._secrets.mask(line.text))

    def detach(self, tool: Path, arguments: Sequence[str]) -> str:
        """Run a copy of the tool in a session of its own."""
        return str(self._detachment.start(tool, arguments))

    def end_detached(self) -> None:
        """End the tool's process, and keep it from being started again."""
        self._detachment.end()

    def down(self, *, remove_volumes: bool, deadline_s: float) -> None:
        """End services, then what they need; delete containers and networks."""
        if self._folder.compose_file.is_file():
            running = [started.service for started in self._running.all()]
            if running:
                self._compose.stop(running, deadline_s)
            self._compose.down(remove_volumes=remove_volumes)
            self._running.forget()
            self._gateway.routes.forget()
            self._gateway.close()
        if remove_volumes:
            with disk("deleting", self._folder.path):
                shutil.rmtree(self._folder.path, ignore_errors=not self._folder.path.exists())

    def _foundation_address(self, component: str) -> str:
        if component == self._gateway.component:
            return self._gateway.url().removeprefix("http://")
        return f"{component}:{self._project.port(component)}"

    def _run_migrations(self, kind: MigrationKind) -> "CompletedProcess[str]":
        services = self._target.migrations
        service = services.expand if kind == "expand" else services.contract
        return self._compose.run_once(service, MIGRATE_S)
