"""Database and gateway of a Compose target, which stand before any service is started."""

import time
from collections.abc import Mapping, Sequence

from deploytool.errors import InvalidInput, NotReady
from deploytool.platforms.base import Role
from deploytool.platforms.compose.compose_command import ComposeCommand
from deploytool.platforms.compose.database import ComposeDatabase
from deploytool.platforms.compose.engine import Container, Engine
from deploytool.platforms.compose.folder import StateFolder
from deploytool.platforms.compose.gateway import ComposeGateway
from deploytool.platforms.compose.project import CONFIGURATION_LABEL, Project
from deploytool.platforms.compose.running import Running
from deploytool.platforms.route_folder import Routed
from deploytool.system.declaration import System

_POLL_S = 0.2


class Foundation:
    """The database and the gateway, started and compared together."""

    def __init__(
        self,
        system: System,
        folder: StateFolder,
        engine: Engine,
        compose: ComposeCommand,
        running: Running,
        database: ComposeDatabase,
        gateway: ComposeGateway,
    ) -> None:
        self._system = system
        self._folder = folder
        self._engine = engine
        self._compose = compose
        self._running = running
        self._database = database
        self._gateway = gateway

    def require_secrets(self) -> None:
        """Raise InvalidInput when there is data whose passwords are lost: new ones fit nothing."""
        if not any(self._folder.secrets.glob("*")) and self._engine.has_volumes():
            raise InvalidInput(
                "there is data of this target, but not its passwords",
                why=f"{self._folder.secrets} is empty, and the project has a volume",
                hint="put the folder back, or delete the data: `deploytool down --volumes`",
            )

    def start(self, project: Project, deadline_s: float) -> Sequence[str]:
        """Start both where they do not run as they should; return what was changed.

        Raises NotReady, PlatformFailed.
        """
        deadline = time.monotonic() + deadline_s
        changes = self.changes(project)
        self._running.write_compose_file()
        if self._database.component in changes:
            self._compose.start(self._database.component)
        self._await(self._database.component, deadline)
        self._database.make_roles(self._system.database[1].roles)
        self._gateway.routes.keep_all(self._routed(project))
        if self._gateway.component in changes:
            self._compose.start(self._gateway.component)
        self._gateway.close()
        self._await(self._gateway.component, deadline)
        for kept in self._gateway.routes.routes():
            self._gateway.api().await_route(kept, max(0.0, deadline - time.monotonic()))
        return list(changes)

    def changes(self, project: Project) -> Mapping[str, str]:
        """Return why each, or a route, would be changed."""
        changes = dict(self._gateway.routes.changes(self._routed(project)))
        containers = self._engine.containers()
        for component in (self._database.component, self._gateway.component):
            found = next((each for each in containers if each.service == component), None)
            if why := _difference(project, component, found):
                changes[component] = why
        return changes

    def complaint(self, component: str, container: Container) -> str:
        """Return "" when the database or the gateway is ready, else what is wrong."""
        if component == self._gateway.component:
            return self._gateway.complaint()
        return self._database.complaint(container)

    def _routed(self, project: Project) -> list[Routed]:
        return [
            Routed(
                started.component,
                service,
                Role(started.role).arm,
                f"http://{started.service}:{project.port(started.component)}",
            )
            for started in self._running.all()
            if (service := self._system.services.get(started.component))
        ]

    def _await(self, component: str, deadline: float) -> None:
        while (complaint := self._missing(component)) != "":
            if time.monotonic() > deadline:
                raise NotReady(
                    f"{component} did not become ready in time",
                    why=complaint,
                    hint=f"see `deploytool logs {component}`",
                )
            time.sleep(_POLL_S)

    def _missing(self, component: str) -> str:
        container = self._engine.container(component)
        if container is None:
            return "its container is gone"
        if container.is_running:
            return self.complaint(component, container)
        words = self._engine.last_lines(container, 3)
        return f"ended with exit status {container.exit_code}; {' | '.join(words)}"


def _difference(project: Project, component: str, container: Container | None) -> str:
    """Return why a container is not as the Compose file says, "" when it is."""
    if container is None:
        return "does not run"
    if container.image != (wanted := project.image(component)):
        return f"its image changed: {container.image} -> {wanted}"
    if container.labels.get(CONFIGURATION_LABEL) != project.configuration(component):
        return f"its section of {project.path.name}, or a file that it mounts, changed"
    return "" if container.is_running else "has ended"
