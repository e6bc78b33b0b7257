"""The router of a Compose target: where it is reached, and its routes."""

from deploytool.errors import InvalidInput, Place
from deploytool.platforms.compose.folder import OPEN_FILE, StateFolder
from deploytool.platforms.compose.project import Project
from deploytool.platforms.ports import HOST, Ports
from deploytool.platforms.route_folder import RouteFolder
from deploytool.traffic.router import TraefikApi

_LISTENS_ON = 2  # ports: for visitors, and for this tool alone


class ComposeGateway:
    """The router of one target; published on loopback alone."""

    def __init__(
        self, component: str, folder: StateFolder, ports: Ports, fixed_port: int | None
    ) -> None:
        self.component = component
        self.routes = RouteFolder(folder.routes, mode=OPEN_FILE)
        self._ports = ports
        self._fixed_port = fixed_port
        self._api: TraefikApi | None = None

    @property
    def _port_name(self) -> str:
        return f"{self.component}.stable.http"

    @property
    def _admin_port_name(self) -> str:
        return f"{self.component}.stable.admin"

    @property
    def port(self) -> int:
        """The port of this machine for visitors; 0 before one was chosen."""
        return self._ports.known(self._port_name) or 0

    @property
    def admin_port(self) -> int:
        """The port of this machine for this tool; 0 before one was chosen."""
        return self._ports.known(self._admin_port_name) or 0

    def choose_ports(self, *, is_running: bool) -> None:
        """Find ports that are free, unless the router listens on those kept."""
        fixed = self._fixed_port
        if fixed is not None and fixed != self.port:
            self._ports.demand(self._port_name, fixed)
        elif not is_running:
            self._ports.choose(self._port_name)
        if not is_running:
            self._ports.choose(self._admin_port_name)

    def inner_url(self, project: Project) -> str:
        """Return the base URL at which the other containers reach it. Raises InvalidInput."""
        ports = project.ports(self.component)
        if len(ports) != _LISTENS_ON:
            raise InvalidInput(
                f"{self.component} must expose two ports: for visitors, and for deploytool",
                why=f"it exposes {', '.join(map(str, ports)) or 'none'}",
                hint='write for example `expose: ["8080", "8081"]`',
                place=Place(project.path),
            )
        return f"http://{self.component}:{ports[0]}"

    def url(self) -> str:
        """Return the base URL for visitors; of port 0 before one was chosen."""
        return f"http://{HOST}:{self.port}"

    def api(self) -> TraefikApi:
        """Return the client of the router."""
        if self._api is None:
            self._api = TraefikApi(f"http://{HOST}:{self.admin_port}")
        return self._api

    def complaint(self) -> str:
        """Return "" when it serves what it should, else what is wrong."""
        return self.routes.complaint(self.api())

    def close(self) -> None:
        """Close the client, so that the next one looks where the router is then."""
        if self._api is not None:
            self._api.close()
            self._api = None
