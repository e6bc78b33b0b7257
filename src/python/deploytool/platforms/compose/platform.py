"""The Compose platform as one whole: what `Platform` asks for, by Docker, Traefik, PostgreSQL.

It maps the protocol to the parts; whatever decides or waits is in these.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from deploytool.canary.observation import Snapshot
from deploytool.errors import PlatformFailed
from deploytool.platforms.base import (
    Answer,
    Condition,
    Connection,
    Instance,
    LogLine,
    MigrationKind,
    Role,
)
from deploytool.platforms.compose.engine import Container
from deploytool.platforms.compose.logs import limits, read_logs
from deploytool.platforms.compose.parts import Parts
from deploytool.platforms.compose.project import service_name
from deploytool.platforms.files import disk, write
from deploytool.platforms.http import complaint_of, get
from deploytool.platforms.images import image_name
from deploytool.platforms.references import Places, own_references, references, resolve
from deploytool.platforms.released_images import require_held
from deploytool.programs import within
from deploytool.record.store import TargetStore
from deploytool.system.declaration import System
from deploytool.system.revision import Revision

# Requests that the router sent just before it took a backend off reach it within this time.
_GRACE_S = 0.5
_ROUTE_S = 15.0
# It was fetched before; who removed the image since has to wait for it no longer than this.
_FETCH_S = 120.0
# Where Compose puts the secrets that a service lists.
_SECRETS = "/run/secrets"


class ComposePlatform:
    """A target on a Docker engine; see `Platform` for what each method promises."""

    def __init__(self, system: System, parts: Parts) -> None:
        self._system = system
        self._parts = parts

    def close(self) -> None:
        """Close the connections; everything goes on running."""
        self._parts.gateway.close()
        self._parts.engine.close()

    @property
    def store(self) -> TargetStore:
        """The state and lock, as files of the state folder."""
        return self._parts.store

    def fetch(self, revisions: Sequence[Revision]) -> None:
        """Pull the images of releases that the engine lacks."""
        self._parts.engine.require()
        images = {each.released.image.image for each in revisions if each.released is not None}
        self._parts.fetch(images | self._parts.released())

    def prepare(self) -> None:
        """See that the engine answers; make folders, secrets, ports."""
        self._parts.engine.require()
        self._parts.folder.create()
        self._parts.foundation.require_secrets()
        self._parts.database.make_secrets(
            self._system.database[1].roles, self._parts.project.port(self._parts.database.component)
        )
        gateway = self._parts.engine.container(self._parts.gateway.component)
        self._parts.gateway.choose_ports(is_running=gateway is not None and gateway.is_running)
        write(self._parts.folder.images, json.dumps(self._parts.images, indent=2, sort_keys=True))
        self._parts.read_project()

    def fingerprint(self, component: str, artifact: Path) -> str:
        """Return the digest of the image's content tag and of the component's section."""
        return self._parts.project.fingerprint(component, image_name(artifact))

    def install(self, revision: Revision, artifact: Path) -> None:
        """Keep the revision's image and section; forget the oldest ones."""
        self._parts.releases.install(revision, artifact)
        running = {started.revision for started in self._parts.running.all()}
        needed = self._parts.store.load().needed(revision.component)
        self._parts.releases.prune(revision.component, running | needed)

    def revisions(self, component: str) -> Sequence[Revision]:
        """Return the installed revisions of a component, newest first."""
        return self._parts.releases.revisions(component)

    def require_images(self) -> None:
        """See that the registry has what the engine lacks."""
        require_held(self._parts.missing(self._parts.released()))

    def start_foundation(
        self, deadline_s: float, meanwhile: Callable[[], None] = lambda: None
    ) -> Sequence[str]:
        """Start PostgreSQL and Traefik, with roles and routes."""
        changed = self._parts.foundation.start(self._parts.project, deadline_s)
        meanwhile()
        return changed

    def foundation_changes(self) -> Mapping[str, str]:
        """Return why PostgreSQL or Traefik would be started or replaced."""
        return self._parts.foundation.changes(self._parts.project)

    def drift(self) -> Mapping[str, str]:
        """Return nothing: what others end or start shows in the instances."""
        return {}

    def require_distinct_migrations(self) -> None:
        """Raise InvalidInput when two migration files of a kind have one version."""
        self._parts.migrations.require_distinct()

    def migrate(
        self, kind: MigrationKind, deadline_s: float, tell: Callable[[str, str], None]
    ) -> Sequence[str]:
        """Apply pending migrations by the service that the target names for the kind."""
        return self._parts.migrations.apply(kind, deadline_s, tell)

    def pending_migrations(self, kind: MigrationKind) -> Sequence[str]:
        """Return the pending migration files' names."""
        return [path.name for path in self._parts.migrations.pending(kind)]

    def start(self, revision: Revision, role: Role) -> None:
        """Run the revision's container and route to it; a canary gets no requests yet."""
        component = revision.component
        port = self._parts.project.port(component)
        known = references(
            self._system,
            Places(
                database_host=self._parts.database.component,
                database_port=self._parts.project.port(self._parts.database.component),
                gateway_url=self._parts.gateway.inner_url(self._parts.project),
                password_file=lambda name: f"{_SECRETS}/{self._parts.database.secret(name)}",
            ),
        )
        if revision.released is not None:
            with within(_FETCH_S):
                self._parts.fetch([revision.released.image.image])
        # Inside its container a service may listen on every address: no other one is there.
        own = own_references("0.0.0.0", port, revision.id)  # noqa: S104
        environment = resolve(component, revision.environment, {**known, **own})
        started = self._parts.releases.started(revision, role, environment)
        self._parts.running.add(started)
        self._parts.compose.start(started.service)
        service = self._system.services[component]
        routes = self._parts.gateway.routes
        route = routes.with_instance(
            component, service, role.arm, f"http://{started.service}:{port}"
        )
        routes.take_over(route, self._parts.gateway.api(), _ROUTE_S)

    def stop(self, component: str, role: Role) -> None:
        """Take the instance off the router, wait a moment, end its container."""
        gateway = self._parts.gateway
        if gateway.routes.remove(component, role.arm, gateway.api(), _ROUTE_S):
            time.sleep(_GRACE_S)
        if self._parts.running.of(component, role) is not None:
            self._parts.compose.remove(service_name(component, role))
            self._parts.running.remove(component, role)

    def instances(self) -> Sequence[Instance]:
        """Return the database, the gateway, each service's stable and what else should run."""
        wanted = [(name, Role.STABLE) for name in self._system.components]
        kept = [(started.component, started.role) for started in self._parts.running.all()]
        containers = self._parts.engine.containers()
        return [self._instance(*each, containers) for each in dict.fromkeys(wanted + kept)]

    def instance(self, component: str, role: Role) -> Instance:
        """Return how one instance is."""
        return self._instance(component, role, self._parts.engine.containers())

    def _instance(self, component: str, role: Role, containers: Sequence[Container]) -> Instance:
        name = service_name(component, role)
        container = next((each for each in containers if each.service == name), None)
        service = self._system.services.get(component)
        started = self._parts.running.of(component, role)
        if started is None and (service is not None or container is None):
            return Instance(component, role, "", Condition.ABSENT, "was not started")
        if service is None:
            return self._parts.health.of(
                component,
                role,
                "",
                container,
                address=self._foundation_address(component),
                complain=lambda found: self._parts.foundation.complaint(component, found),
            )
        ready, port = service.health.ready, self._parts.project.port(component)
        return self._parts.health.of(
            component,
            role,
            started.revision if started else "",
            container,
            address=f"{container.address}:{port}" if container else "",
            complain=lambda found: complaint_of(f"http://{found.address}:{port}{ready}"),
        )

    def request(self, component: str, role: Role, path: str) -> Answer:
        """GET a path from an instance, at its container's own address."""
        container = self._parts.engine.container(service_name(component, role))
        if container is None or not container.is_running:
            raise PlatformFailed(
                f"{component} {role} does not run",
                why="it has no running container",
                hint="see `deploytool status`",
            )
        return get(f"http://{container.address}:{self._parts.project.port(component)}{path}")

    def request_each(self, component: str, role: Role, path: str) -> Sequence[Answer]:
        """GET a path from an instance: it is one container."""
        return [self.request(component, role, path)]

    def request_through_gateway(self, path: str) -> Answer:
        """GET a path at the gateway."""
        return get(self.gateway_url() + path)

    def set_weight(self, component: str, canary_percent: int, deadline_s: float) -> str:
        """Write the weight and wait until the router has it in force. One container serves all."""
        gateway = self._parts.gateway
        gateway.routes.set_weight(component, canary_percent, gateway.api(), deadline_s)
        return ""

    def weight(self, component: str) -> int:
        """Return the share that the router has in force."""
        kept = self._parts.gateway.routes.route(component)
        return self._parts.gateway.api().canary_percent(component, kept)

    def observe(self, component: str) -> Snapshot:
        """Read both backends' counters in one scrape."""
        gateway = self._parts.gateway
        return gateway.api().snapshot(component, gateway.routes.route(component))

    def gateway_url(self) -> str:
        """Return the gateway's address."""
        return self._parts.gateway.url()

    def query(self, sql: str) -> Sequence[Mapping[str, Any]]:
        """Run a read-only query by psql, in the database's container."""
        return self._parts.database.rows(sql)

    def connections(self) -> Sequence[Connection]:
        """Try none: all containers share one network, on which nothing keeps them apart."""
        return ()

    def logs(
        self,
        components: Sequence[str],
        *,
        lines: int | None,
        since_s: float | None = None,
        follow: bool,
        is_stopped: Callable[[], bool],
    ) -> Iterator[LogLine]:
        """Yield log lines, secrets masked."""
        wanted = {
            service_name(component, role): (component, role)
            for component in components
            for role in Role
            if component not in self._system.services
            or self._parts.running.of(component, role) is not None
        }
        if not wanted or not self._parts.folder.compose_file.is_file():
            return
        compose = self._parts.compose
        argv = compose.argv("logs", "--no-color", *limits(lines, since_s, follow=follow))
        for line in read_logs(argv, compose.environment(), wanted, is_stopped=is_stopped):
            yield replace(line, text=self._parts.secrets.mask(line.text))

    def detach(self, tool: Path, arguments: Sequence[str]) -> str:
        """Run a copy of the tool in a session of its own."""
        return str(self._parts.detachment.start(tool, arguments))

    def end_detached(self) -> None:
        """End the tool's process, and keep it from being started again."""
        self._parts.detachment.end()

    def down(self, *, remove_volumes: bool, deadline_s: float) -> None:
        """End services, then what they need; delete containers and networks."""
        if remove_volumes and self._parts.engine.has_volumes():
            # Also what another folder, or one that is gone, has left in the project's name.
            self._parts.running.write_compose_file()
        if self._parts.folder.compose_file.is_file():
            running = [started.service for started in self._parts.running.all()]
            if running:
                self._parts.compose.stop(running, deadline_s)
            self._parts.compose.down(remove_volumes=remove_volumes)
            self._parts.running.forget()
            self._parts.gateway.routes.forget()
            self._parts.gateway.close()
        folder = self._parts.folder.path
        if remove_volumes and folder.exists():
            with disk("deleting", folder):
                shutil.rmtree(folder)

    def _foundation_address(self, component: str) -> str:
        if component == self._parts.gateway.component:
            return self._parts.gateway.url().removeprefix("http://")
        return f"{component}:{self._parts.project.port(component)}"
