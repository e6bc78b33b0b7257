"""The router of a local target: its configuration, its process and its routes."""

import contextlib
import secrets
from dataclasses import replace
from pathlib import Path

import yaml

from deploytool.platforms.base import Role
from deploytool.platforms.local.folder import StateFolder, read, write
from deploytool.platforms.local.ports import HOST, Ports
from deploytool.platforms.local.program import Program
from deploytool.platforms.local.supervision import minimal_environment
from deploytool.platforms.local.tools import Tools
from deploytool.system.declaration import Service
from deploytool.traffic.metrics import DURATION_BUCKETS_S
from deploytool.traffic.router import TraefikApi
from deploytool.traffic.traefik_file import Arm, Route, parse_route, render_route

# Requests in flight get this long when the router itself is stopped.
_DRAIN_S = 10
_ARMS: dict[Role, Arm] = {Role.STABLE: "stable", Role.CANARY: "canary"}


def render_gateway(*, port: int, admin_port: int, routes: Path) -> str:
    """Return Traefik's own configuration. Everything listens on loopback alone."""
    return yaml.safe_dump(
        {
            "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
            "log": {"level": "ERROR", "noColor": True},
            "entryPoints": {
                "web": {
                    "address": f"{HOST}:{port}",
                    "transport": {"lifeCycle": {"graceTimeOut": f"{_DRAIN_S}s"}},
                },
                "traefik": {"address": f"{HOST}:{admin_port}"},
            },
            "api": {"insecure": True, "dashboard": False},
            "ping": {"entryPoint": "traefik"},
            "metrics": {
                "prometheus": {
                    "entryPoint": "traefik",
                    "addEntryPointsLabels": False,
                    "addRoutersLabels": False,
                    "addServicesLabels": True,
                    "buckets": list(DURATION_BUCKETS_S),
                }
            },
            "providers": {
                # A weight is in force this long after it was written.
                "providersThrottleDuration": "100ms",
                "file": {"directory": str(routes), "watch": True},
            },
        },
        sort_keys=False,
    )


class LocalGateway:
    """The router of one state folder."""

    def __init__(self, component: str, folder: StateFolder, ports: Ports) -> None:
        self.component = component
        self._folder = folder
        self._ports = ports
        self._api: TraefikApi | None = None

    @property
    def port_name(self) -> str:
        """The name of the port that visitors use."""
        return f"{self.component}.stable.http"

    @property
    def admin_port_name(self) -> str:
        """The name of the port that only this tool uses."""
        return f"{self.component}.stable.admin"

    @property
    def config(self) -> Path:
        """The file that holds Traefik's own configuration."""
        return self._folder.gateway / "traefik.yaml"

    def url(self) -> str:
        """Return the base URL for visitors; of port 0 before one was chosen."""
        return f"http://{HOST}:{self._ports.known(self.port_name) or 0}"

    def program(self, tools: Tools, port: int, admin_port: int) -> Program:
        """Describe the router's process."""
        return Program(
            component=self.component,
            role=Role.STABLE,
            port=port,
            argv=(str(tools.traefik), f"--configFile={self.config}"),
            environment=minimal_environment(self._folder),
            stop_s=_DRAIN_S + 1,
            config=render_gateway(port=port, admin_port=admin_port, routes=self._folder.routes),
        )

    def api(self) -> TraefikApi:
        """Return the client of the router."""
        if self._api is None:
            port = self._ports.known(self.admin_port_name) or 0
            self._api = TraefikApi(f"http://{HOST}:{port}")
        return self._api

    def complaint(self) -> str:
        """Return "" when it serves what it should, else what is wrong.

        After a start it answers before it has read its routes.
        """
        complaint = self.api().complaint()
        if complaint:
            return complaint
        for route in self.routes():
            if not self.api().weights(route.component):
                return f"the route of {route.component} is not in force"
        return ""

    def close(self) -> None:
        """Close the client, so that the next one looks where the router is then."""
        if self._api is not None:
            self._api.close()
            self._api = None

    def routes(self) -> list[Route]:
        """Return the routes kept, in force or not."""
        if not self._folder.routes.is_dir():
            return []
        kept = (self.route(path.stem) for path in sorted(self._folder.routes.glob("*.yaml")))
        return [route for route in kept if route is not None]

    def route(self, component: str) -> Route | None:
        """Return the route kept for a component, None when it is not routed."""
        text = read(self._file(component))
        return None if text is None else parse_route(component, text)

    def keep(self, route: Route) -> None:
        """Write the route; the router takes it over by itself."""
        path = self._file(route.component)
        text = render_route(route)
        if read(path) != text:
            write(path, text)

    def take_over(self, route: Route, deadline_s: float) -> None:
        """Write the route and wait until it is in force, unless the router does not run."""
        self.keep(route)
        if not self.api().complaint():
            self.api().await_route(route, deadline_s)

    def with_instance(self, component: str, service: Service, role: Role, port: int) -> Route:
        """Return the component's route to an instance as well; a canary gets no requests yet."""
        known = self.route(component) or Route(component, service.route, {})
        route = replace(known, prefix=service.route, header=service.canary.header)
        arm = _ARMS[role]
        if arm == "canary" and arm not in route.addresses:
            route = replace(route, cookie=_cookie(service.canary.sticky_cookie))
        return route.with_address(arm, f"http://{HOST}:{port}")

    def remove(self, component: str, role: Role, deadline_s: float) -> bool:
        """Take an instance off, and wait until it is off; return whether it was on."""
        route = self.route(component)
        if route is None or _ARMS[role] not in route.addresses:
            return False
        left = route.without(_ARMS[role])
        self.take_over(left, deadline_s)
        return True

    def forget(self) -> None:
        """Delete all routes."""
        for path in self._folder.routes.glob("*.yaml"):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()

    def _file(self, component: str) -> Path:
        return self._folder.routes / f"{component}.yaml"


def _cookie(declared: str | None) -> str | None:
    """Return the name of the cookie for one canary.

    With the same name for all, each canary would begin with the visitors of the one before: with
    half of them, whatever its own first step says.
    """
    return declared and f"{declared}-{secrets.token_hex(4)}"
