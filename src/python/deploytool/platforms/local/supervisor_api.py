"""Calls to one supervisord: its XML-RPC interface on loopback, behind a generated password."""

import http.client
import xmlrpc.client
from typing import Any

from deploytool.errors import PlatformFailed
from deploytool.platforms.local.folder import StateFolder
from deploytool.platforms.ports import HOST, Ports
from deploytool.platforms.secrets import Secrets

USER = "deploytool"
# The names of its password and of its port.
SECRET = "supervisor"  # noqa: S105  # the name of one
PORT = "supervisor"
_CALL_S = 10.0


class _Transport(xmlrpc.client.Transport):
    """Gives up on a supervisord that does not answer."""

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = super().make_connection(host)
        connection.timeout = _CALL_S
        return connection


class SupervisorApi:
    """A client of the supervisord of a state folder."""

    def __init__(self, folder: StateFolder, ports: Ports, secrets: Secrets) -> None:
        self._folder = folder
        self._ports = ports
        self._secrets = secrets

    def is_running(self) -> bool:
        """Tell whether it answers."""
        try:
            return bool(self.call("getState")["statename"] == "RUNNING")
        except PlatformFailed:
            return False

    def info(self, name: str) -> dict[str, Any] | None:
        """Return what it says of a process, None when it does not know it."""
        found: list[dict[str, Any]] = self.call("getAllProcessInfo")
        return next((info for info in found if info["name"] == name), None)

    def call(self, method: str, *arguments: object) -> Any:
        """Return the answer of one method. Raises PlatformFailed."""
        port = self._ports.known(PORT)
        if port is None:
            raise PlatformFailed("supervisord was never started here", hint="run `deploytool up`")
        address = f"http://{USER}:{self._secrets.value(SECRET)}@{HOST}:{port}/RPC2"
        try:
            with xmlrpc.client.ServerProxy(address, transport=_Transport()) as proxy:
                return getattr(proxy.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as error:
            raise PlatformFailed(
                f"supervisord refused {method} {' '.join(map(str, arguments))}".rstrip(),
                why=error.faultString,
                hint=f"see {self._folder.supervisor / 'supervisord.log'}",
            ) from error
        except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
            # Neither the error nor its cause may show the address: it holds the password.
            raise PlatformFailed(
                "supervisord does not answer",
                why=f"{type(error).__name__} on port {port}",
                hint="run `deploytool up`; it starts supervision and all that should run",
            ) from None
