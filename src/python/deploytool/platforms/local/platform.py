"""The local platform as one whole: what `Platform` asks for, by supervisord, Traefik, PostgreSQL.

It maps the protocol to the parts; whatever decides or waits is in these.
"""

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from deploytool.canary.observation import Snapshot
from deploytool.errors import NotReady, PlatformFailed
from deploytool.platforms.base import (
    Answer,
    Connection,
    Instance,
    LogLine,
    MigrationKind,
    Role,
)
from deploytool.platforms.files import disk
from deploytool.platforms.http import get
from deploytool.platforms.local import orphans
from deploytool.platforms.local.logs import LogFile, read_logs
from deploytool.platforms.local.parts import Parts
from deploytool.platforms.local.program import log_name
from deploytool.platforms.local.services import service_program
from deploytool.platforms.local.supervision import minimal_environment
from deploytool.platforms.ports import HOST
from deploytool.platforms.references import Places, references
from deploytool.platforms.tool_copy import python
from deploytool.record.store import TargetStore
from deploytool.system.declaration import System
from deploytool.system.revision import Revision, digest_of

# Requests that the router sent just before it took a backend off reach it within this time.
_GRACE_S = 0.5
_ROUTE_S = 15.0


class LocalPlatform:
    """A target on this machine; see `Platform` for what each method promises."""

    def __init__(self, system: System, parts: Parts) -> None:
        self._system = system
        self._parts = parts

    def close(self) -> None:
        """Close the connections; everything goes on running."""
        self._parts.gateway.close()

    @property
    def store(self) -> TargetStore:
        """The state and lock, as files of the state folder."""
        return self._parts.store

    def fetch(self, revisions: Sequence[Revision]) -> None:
        """Do nothing: no image runs here."""

    def prepare(self) -> None:
        """Make the folders, unpack the tools, start supervision with all that should run."""
        self._parts.folder.create()
        tools = self._parts.toolbox.install(self._is_used)
        self._parts.supervisor.ensure(tools)
        self._parts.detachment.forget_ended()

    def fingerprint(self, component: str, artifact: Path) -> str:  # noqa: ARG002
        """Return the digest of the artifact, which is all that there is to it."""
        return digest_of(artifact)

    def install(self, revision: Revision, artifact: Path) -> None:
        """Copy the revision's artifact; remove the oldest ones."""
        if not self._parts.releases.is_installed(revision):
            self._parts.folder.require_space()
        self._parts.releases.install(revision, artifact)
        running = {program.revision for program in self._parts.supervisor.programs()}
        needed = self._parts.store.load().needed(revision.component)
        self._parts.releases.prune(revision.component, running | needed)

    def revisions(self, component: str) -> Sequence[Revision]:
        """Return the installed revisions of a component, newest first."""
        return self._parts.releases.revisions(component)

    def require_images(self) -> None:
        """Look for none: no image runs here."""

    def start_foundation(
        self, deadline_s: float, meanwhile: Callable[[], None] = lambda: None
    ) -> Sequence[str]:
        """Start PostgreSQL and Traefik, with roles and routes."""
        changed = self._parts.foundation.start(self._parts.tools(), deadline_s)
        meanwhile()
        return changed

    def foundation_changes(self) -> Mapping[str, str]:
        """Return why PostgreSQL or Traefik would be started or replaced."""
        return self._parts.foundation.changes(self._parts.toolbox.wanted_tools())

    def drift(self) -> Mapping[str, str]:
        """Return nothing: what others end or start shows in the instances."""
        return {}

    def require_distinct_migrations(self) -> None:
        """Raise InvalidInput when two migration files of a kind have one version."""
        self._parts.migrations.require_distinct()

    def migrate(
        self, kind: MigrationKind, deadline_s: float, tell: Callable[[str, str], None]
    ) -> Sequence[str]:
        """Apply pending migrations by dbmate."""
        return self._parts.migrations.apply(kind, deadline_s, tell)

    def pending_migrations(self, kind: MigrationKind) -> Sequence[str]:
        """Return the pending migration files' names."""
        return [path.name for path in self._parts.migrations.pending(kind)]

    def start(self, revision: Revision, role: Role) -> None:
        """Run the revision under supervision and route to it; a canary gets no requests yet."""
        component = revision.component
        service = self._system.services[component]
        if not self._parts.releases.is_installed(revision):
            raise PlatformFailed(
                f"{component} {revision.id} is not installed",
                why=f"there is no such folder in {self._parts.folder.releases / component}",
                hint=f"choose one that `deploytool status` lists for {component}",
            )
        program = service_program(
            revision=revision,
            role=role,
            service=service,
            port=self._port(component, role),
            host=HOST,
            interpreter=python(),
            artifact=self._parts.releases.artifact(revision),
            base={
                **minimal_environment(self._parts.folder),
                "PEX_ROOT": str(self._parts.folder.pex),
            },
            known=references(
                self._system,
                Places(
                    database_host=HOST,
                    database_port=self._parts.database_port(),
                    gateway_url=self._parts.gateway.url(),
                    password_file=lambda name: str(self._parts.database.password_file(name)),
                ),
            ),
        )
        self._parts.supervisor.run(program)
        routes = self._parts.gateway.routes
        route = routes.with_instance(component, service, role.arm, f"http://{HOST}:{program.port}")
        routes.take_over(route, self._parts.gateway.api(), _ROUTE_S)

    def stop(self, component: str, role: Role) -> None:
        """Take the instance off the router, wait a moment, terminate it."""
        if self._parts.gateway.routes.remove(
            component, role.arm, self._parts.gateway.api(), _ROUTE_S
        ):
            time.sleep(_GRACE_S)
        self._parts.supervisor.remove(component, role)

    def instances(self) -> Sequence[Instance]:
        """Return the database, the gateway, each service's stable and what else should run."""
        wanted = [(name, Role.STABLE) for name in self._system.components]
        kept = [(program.component, program.role) for program in self._parts.supervisor.programs()]
        return [self.instance(*each) for each in dict.fromkeys(wanted + kept)]

    def instance(self, component: str, role: Role) -> Instance:
        """Return how one instance is."""
        service = self._system.services.get(component)
        return self._parts.health.of(
            component,
            role,
            service.health.ready if service else None,
            self._parts.toolbox.installed(),
        )

    def request(self, component: str, role: Role, path: str) -> Answer:
        """GET a path from an instance."""
        program = self._parts.supervisor.program(component, role)
        if program is None:
            raise PlatformFailed(
                f"{component} {role} does not run",
                why="nothing was started in this role",
                hint="see `deploytool status`",
            )
        return get(f"http://{HOST}:{program.port}{path}")

    def request_each(self, component: str, role: Role, path: str) -> Sequence[Answer]:
        """GET a path from an instance: it is one process."""
        return [self.request(component, role, path)]

    def request_through_gateway(self, path: str) -> Answer:
        """GET a path at the gateway."""
        return get(self.gateway_url() + path)

    def set_weight(self, component: str, canary_percent: int, deadline_s: float) -> str:
        """Write the weight and wait until the router has it in force. One process serves all."""
        self._parts.gateway.routes.set_weight(
            component, canary_percent, self._parts.gateway.api(), deadline_s
        )
        return ""

    def weight(self, component: str) -> int:
        """Return the share that the router has in force."""
        return self._parts.gateway.api().canary_percent(
            component, self._parts.gateway.routes.route(component)
        )

    def observe(self, component: str) -> Snapshot:
        """Read both backends' counters in one scrape."""
        gateway = self._parts.gateway
        return gateway.api().snapshot(component, gateway.routes.route(component))

    def gateway_url(self) -> str:
        """Return the gateway's address."""
        return self._parts.gateway.url()

    def query(self, sql: str) -> Sequence[Mapping[str, Any]]:
        """Run a read-only query by psql."""
        return self._parts.rows(sql)

    def connections(self) -> Sequence[Connection]:
        """Try none: all processes share this machine's addresses, and nothing keeps them apart."""
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
        files = [
            LogFile(component, role, self._parts.folder.logs / log_name(component, role))
            for component in components
            for role in (Role if component in self._system.services else (Role.STABLE,))
        ]
        since = None if since_s is None else time.time() - since_s
        for line in read_logs(
            files, lines=lines, since=since, follow=follow, is_stopped=is_stopped
        ):
            yield replace(line, text=self._parts.secrets.mask(line.text))

    def detach(self, tool: Path, arguments: Sequence[str]) -> str:
        """Run a copy of the tool under supervision."""
        return str(self._parts.detachment.start(tool, arguments))

    def end_detached(self) -> None:
        """End the tool's process, and keep it from being started again."""
        holder = self._parts.store.holder()
        self._parts.detachment.end(holder.pid if holder else None)

    def down(self, *, remove_volumes: bool, deadline_s: float) -> None:
        """End services, gateway, database, supervision; then whatever else bears the mark."""
        if not self._parts.folder.path.is_dir():
            return
        # What does not end in its turn is ended by its process id.
        with contextlib.suppress(PlatformFailed, NotReady):
            self._stop_all(deadline_s)
        orphans.end(orphans.processes(self._parts.folder.path), min(deadline_s, _ROUTE_S))
        left = orphans.processes(self._parts.folder.path)
        if left:
            raise PlatformFailed(
                "not everything ended",
                why=", ".join(f"pid {process.pid}" for process in left),
                hint="end these processes by hand, then repeat the command",
            )
        self._parts.supervisor.forget()
        self._parts.gateway.routes.forget()
        self._parts.gateway.close()
        if remove_volumes:
            with disk("deleting", self._parts.folder.path):
                shutil.rmtree(self._parts.folder.path)

    def _stop_all(self, deadline_s: float) -> None:
        if not self._parts.supervisor.is_running():
            return
        for name in reversed(self._system.start_order()):
            for role in (Role.CANARY, Role.STABLE):
                self._parts.supervisor.remove(name, role)
        self._parts.supervisor.remove(self._parts.gateway.component, Role.STABLE)
        self._parts.supervisor.remove(self._parts.database.component, Role.STABLE)
        self._parts.supervisor.shutdown(deadline_s)

    def _port(self, component: str, role: Role) -> int:
        """Return the port of an instance: the one it listens on, or one that is free."""
        known = self._parts.supervisor.program(component, role)
        if known is not None and self._parts.supervisor.has_process(component, role):
            return known.port
        return self._parts.ports.choose(f"{component}.{role}.http")

    def _is_used(self, tools: Path) -> bool:
        return orphans.runs_from(tools, self._parts.folder.path)
