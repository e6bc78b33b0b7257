"""PostgreSQL's own programs, and a server that nobody outside can reach."""

import contextlib
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from postgres_entrypoint.errors import Refused

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
MAJOR = PROGRAMS.parent.name
START_S = 60.0
STOP_S = 60.0


def program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs."""
    return str(PROGRAMS / name)


class Session:
    """psql as the superuser on a server that is being initialised."""

    def __init__(self, socket: Path, user: str) -> None:
        self._socket = socket
        self._user = user

    def run(self, database: str, sql: bytes, *, what: str) -> None:
        """Run a script, or end at its first error. Raises Refused."""
        done = subprocess.run(
            [
                program("psql"),
                "--no-psqlrc",
                "--no-password",
                "--set=ON_ERROR_STOP=1",
                f"--host={self._socket}",
                f"--username={self._user}",
                f"--dbname={database}",
            ],
            input=sql,
            check=False,
        )
        if done.returncode != 0:
            raise Refused(
                f"{what} was refused",
                why="see the lines of psql above",
                hint="correct it and start again; nothing is left of this attempt",
            )


@contextlib.contextmanager
def private_server(data: Path, user: str) -> Iterator[Session]:
    """Run a server on a socket in a folder of its own. Raises Refused when it does not start."""
    with tempfile.TemporaryDirectory() as place:
        argv = [
            program("postgres"),
            f"-D{data}",
            "-clisten_addresses=",
            f"-cunix_socket_directories={place}",
        ]
        with subprocess.Popen(argv) as server:
            try:
                _await(server, Path(place), user)
                yield Session(Path(place), user)
            finally:
                server.send_signal(signal.SIGINT)  # it ends its sessions and writes everything
                server.wait(STOP_S)


def _await(server: "subprocess.Popen[bytes]", socket: Path, user: str) -> None:
    deadline = time.monotonic() + START_S
    while server.poll() is None and time.monotonic() < deadline:
        asked = [
            program("pg_isready"),
            "--quiet",
            f"--host={socket}",
            f"--username={user}",
            "--dbname=postgres",
        ]
        if subprocess.run(asked, check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise Refused(
        "the new database does not start",
        why="it ended" if server.poll() is not None else f"it is not ready after {START_S:.0f} s",
        hint="see its lines above",
    )
