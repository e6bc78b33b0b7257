"""PostgreSQL and Traefik of one state folder, which stand before any service is started."""

import time
from collections.abc import Mapping, Sequence

from deploytool.errors import NotReady
from deploytool.platforms.base import Role
from deploytool.platforms.files import write
from deploytool.platforms.local.database import LocalDatabase
from deploytool.platforms.local.gateway import LocalGateway
from deploytool.platforms.local.health import Health
from deploytool.platforms.local.program import Program
from deploytool.platforms.local.supervision import Supervisor
from deploytool.platforms.local.tools import Tools
from deploytool.platforms.ports import HOST, Ports
from deploytool.platforms.route_folder import Routed
from deploytool.system.declaration import System
from deploytool.system.targets import LocalTarget

_POLL_S = 0.1


class Foundation:
    """The database and the gateway, started and compared together."""

    def __init__(
        self,
        target: LocalTarget,
        system: System,
        supervisor: Supervisor,
        database: LocalDatabase,
        gateway: LocalGateway,
        health: Health,
        ports: Ports,
    ) -> None:
        self._target = target
        self._system = system
        self._supervisor = supervisor
        self._database = database
        self._gateway = gateway
        self._health = health
        self._ports = ports

    def start(self, tools: Tools, deadline_s: float) -> Sequence[str]:
        """Start both where they do not run as they should; return what was changed.

        Raises NotReady, PlatformFailed.
        """
        deadline = time.monotonic() + deadline_s
        changed: list[str] = []
        gateway = self._gateway_program(tools)
        self._database.initialise(tools)
        database = self._database_program(tools)
        if self._supervisor.run(database):
            changed.append(database.component)
        self._await(database.component, tools, deadline)
        self._database.make_roles(tools, database.port, self._system.database[1].roles)
        write(self._gateway.config, gateway.config)
        routed = self._routed()
        changed += self._gateway.routes.changes(routed)
        self._gateway.routes.keep_all(routed)
        if self._supervisor.run(gateway):
            changed.append(gateway.component)
        self._gateway.close()
        self._await(gateway.component, tools, deadline)
        for kept in self._gateway.routes.routes():
            self._gateway.api().await_route(kept, max(0.0, deadline - time.monotonic()))
        return changed

    def changes(self, tools: Tools | None) -> Mapping[str, str]:
        """Return why each, or a route, would be changed. tools: those that would be used."""
        is_supervised = self._supervisor.is_running()
        changes = dict(self._gateway.routes.changes(self._routed()))
        for component, describe in (
            (self._database.component, self._database_program),
            (self._gateway.component, self._gateway_program),
        ):
            known = self._supervisor.program(component, Role.STABLE)
            if known is None:
                changes[component] = "does not run"
            elif not is_supervised:
                changes[component] = "is not supervised"
            elif not self._supervisor.has_process(component, Role.STABLE):
                changes[component] = "has ended"
            elif tools is not None and describe(tools) != known:
                changes[component] = "its program or configuration differs"
        return changes

    def _routed(self) -> list[Routed]:
        return [
            Routed(program.component, service, program.role.arm, f"http://{HOST}:{program.port}")
            for program in self._supervisor.programs()
            if (service := self._system.services.get(program.component))
        ]

    def _await(self, component: str, tools: Tools, deadline: float) -> None:
        while (complaint := self._health.complaint(component, tools)) != "":
            if time.monotonic() > deadline:
                instance = self._health.of(component, Role.STABLE, None, tools)
                raise NotReady(
                    f"{component} did not become ready in time",
                    why=instance.reason or complaint,
                    hint=f"see `deploytool logs {component}`",
                )
            time.sleep(_POLL_S)

    def _database_program(self, tools: Tools) -> Program:
        known = self._running(self._database.component)
        port = known.port if known else self._ports.choose(self._database.port_name)
        return self._database.program(tools, port)

    def _gateway_program(self, tools: Tools) -> Program:
        name, admin = self._gateway.port_name, self._gateway.admin_port_name
        known = self._running(self._gateway.component)
        admin_port = self._ports.known(admin) if known else None
        port = known.port if known else None
        fixed = self._target.gateway_port
        if fixed is not None and fixed != port:
            port = self._ports.demand(name, fixed)
        return self._gateway.program(
            tools, port or self._ports.choose(name), admin_port or self._ports.choose(admin)
        )

    def _running(self, component: str) -> Program | None:
        """Return the program of a component that has a process: it keeps its ports."""
        known = self._supervisor.program(component, Role.STABLE)
        has_process = known is not None and self._supervisor.has_process(component, Role.STABLE)
        return known if has_process else None
