"""The router of a local target: its configuration, its process, its address."""

from pathlib import Path

from deploytool.platforms.base import Role
from deploytool.platforms.local.folder import StateFolder
from deploytool.platforms.local.program import Program
from deploytool.platforms.local.supervision import minimal_environment
from deploytool.platforms.local.tools import Tools
from deploytool.platforms.ports import HOST, Ports
from deploytool.platforms.route_folder import RouteFolder
from deploytool.traffic.router import TraefikApi
from deploytool.traffic.traefik_config import DRAIN_S, render_traefik


class LocalGateway:
    """The router of one state folder."""

    def __init__(self, component: str, folder: StateFolder, ports: Ports) -> None:
        self.component = component
        self.routes = RouteFolder(folder.routes)
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
        """Describe the router's process. Everything listens on loopback alone."""
        return Program(
            component=self.component,
            role=Role.STABLE,
            port=port,
            argv=(str(tools.traefik), f"--configFile={self.config}"),
            environment=minimal_environment(self._folder),
            stop_s=DRAIN_S + 1,
            config=render_traefik(
                web=f"{HOST}:{port}",
                admin=f"{HOST}:{admin_port}",
                routes=str(self._folder.routes),
            ),
        )

    def api(self) -> TraefikApi:
        """Return the client of the router."""
        if self._api is None:
            port = self._ports.known(self.admin_port_name) or 0
            self._api = TraefikApi(f"http://{HOST}:{port}")
        return self._api

    def complaint(self) -> str:
        """Return "" when it serves what it should, else what is wrong."""
        return self.routes.complaint(self.api())

    def close(self) -> None:
        """Close the client, so that the next one looks where the router is then."""
        if self._api is not None:
            self._api.close()
            self._api = None
