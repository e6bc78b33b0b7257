"""Ports on 127.0.0.1: found free, then kept, so that addresses stay what they were."""

import json
import random
import socket
from pathlib import Path

import psutil

from deploytool.errors import InvalidInput, PlatformFailed
from deploytool.platforms.files import read, write

HOST = "127.0.0.1"

# Below the range from which Linux and macOS draw the ports of outgoing connections: one of
# those must not sit on the port of a service that is just being restarted.
_LOWEST, _HIGHEST = 20_000, 32_000
_ATTEMPTS = 200


class Ports:
    """The ports kept in one file, by a name such as "COMPONENT.ROLE.PURPOSE"."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def known(self, name: str) -> int | None:
        """Return the port kept under the name."""
        return self._load().get(name)

    def choose(self, name: str) -> int:
        """Return the port kept under the name, a new one when it is taken by somebody else.

        Ask only while the thing itself does not listen. Raises PlatformFailed when none is free.
        """
        ports = self._load()
        kept = ports.get(name)
        if kept is not None and is_free(kept):
            return kept
        taken = set(ports.values())
        for _ in range(_ATTEMPTS):
            port = random.randint(_LOWEST, _HIGHEST)  # noqa: S311  # not a secret
            if port not in taken and is_free(port):
                self._keep(ports, name, port)
                return port
        raise PlatformFailed(
            f"no free port for {name}",
            why=f"{_ATTEMPTS} ports of {_LOWEST}-{_HIGHEST} on {HOST} are all taken",
            hint="end programs that listen there",
        )

    def demand(self, name: str, port: int) -> int:
        """Keep exactly this port. Raises InvalidInput, naming who listens there, when taken."""
        if not is_free(port):
            raise InvalidInput(
                f"port {port} for {name} is taken",
                why=f"{listener(port)} listens on it",
                hint="end that program, or change `gateway_port` in targets.yaml",
            )
        self._keep(self._load(), name, port)
        return port

    def _keep(self, ports: dict[str, int], name: str, port: int) -> None:
        ports[name] = port
        write(self._file, json.dumps(ports, indent=2, sort_keys=True))

    def _load(self) -> dict[str, int]:
        text = read(self._file)
        try:
            return {str(name): int(port) for name, port in json.loads(text or "{}").items()}
        except (ValueError, AttributeError, TypeError) as error:
            raise PlatformFailed(
                f"{self._file} is damaged",
                why=str(error),
                hint="run `deploytool down`, delete the file, then `deploytool up`",
            ) from error


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the port now."""
    with socket.socket() as probe:
        # As servers do: connections that linger after a server's end are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def listener(port: int) -> str:
    """Name the process that listens on a port, as far as this user may see it."""
    try:
        for connection in psutil.net_connections("tcp"):
            address = connection.laddr
            if connection.status == psutil.CONN_LISTEN and address and address.port == port:
                if connection.pid is None:
                    break
                return f"pid {connection.pid} ({psutil.Process(connection.pid).name()})"
    except psutil.Error:
        pass
    return "another program"
