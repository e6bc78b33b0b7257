"""PostgreSQL of a local target: its files, its process, its roles, and questions to it."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploytool.errors import PlatformFailed
from deploytool.platforms.base import Role
from deploytool.platforms.files import disk, write
from deploytool.platforms.local.folder import StateFolder, is_root
from deploytool.platforms.local.program import Program
from deploytool.platforms.local.supervision import minimal_environment
from deploytool.platforms.local.tools import Tools
from deploytool.platforms.ports import HOST
from deploytool.platforms.postgresql import (
    OWNER,
    PSQL,
    parse_rows,
    read_only,
    refusal,
    require_other_roles,
    role_sql,
)
from deploytool.platforms.secrets import Secrets
from deploytool.programs import run

# PostgreSQL refuses to run as root. This user is on every machine and owns nothing.
_NOBODY = 65534
_STOP_S = 30.0
_INIT_S = 120.0
_QUERY_S = 30.0


def without_root(argv: Sequence[str]) -> tuple[str, ...]:
    """Return the command that runs argv as an unprivileged user; only root may give it.

    Of root's powers it keeps one: to reach its files inside folders that only root may enter.
    """
    return (
        "setpriv",
        "--securebits=+no_setuid_fixup",
        f"--reuid={_NOBODY}",
        f"--regid={_NOBODY}",
        "--clear-groups",
        "--inh-caps=-all,+dac_override",
        "--ambient-caps=-all,+dac_override",
        "--bounding-set=-all,+dac_override",
        "--no-new-privs",
        *argv,
    )


def server_argv(postgres: Path, data: Path, port: int) -> tuple[str, ...]:
    """Return the server's command: TCP on loopback alone, as socket paths may get too long."""
    return (
        str(postgres),
        "-D",
        str(data),
        "-p",
        str(port),
        "-c",
        f"listen_addresses={HOST}",
        "-c",
        "unix_socket_directories=",
        "-c",
        "log_line_prefix=%m [%p] %q%u@%d ",
    )


class LocalDatabase:
    """The database server of one state folder."""

    def __init__(
        self, component: str, database: str, folder: StateFolder, secrets: Secrets
    ) -> None:
        self.component = component
        self.name = database
        self._folder = folder
        self._secrets = secrets
        self._data = folder.database / "data"

    @property
    def port_name(self) -> str:
        """The name of the port that clients use."""
        return f"{self.component}.stable.http"

    def secret(self, role: str) -> str:
        """Return the name of the secret that is a role's password."""
        return f"{self.component}-{role}"

    def password_file(self, role: str) -> Path:
        """Return the file that holds a role's password, made when there is none."""
        self._secrets.value(self.secret(role))
        return self._secrets.file(self.secret(role))

    def program(self, tools: Tools, port: int) -> Program:
        """Describe the server's process."""
        argv = server_argv(tools.postgres("postgres"), self._data, port)
        return Program(
            component=self.component,
            role=Role.STABLE,
            port=port,
            argv=without_root(argv) if is_root() else argv,
            environment=minimal_environment(self._folder),
            # An interrupt ends it fast and cleanly; a termination would wait for its clients.
            stop_signal="INT",
            stop_s=_STOP_S,
        )

    def initialise(self, tools: Tools) -> None:
        """Make the data folder unless there is one. Raises PlatformFailed."""
        if self._data.is_dir():
            return
        self._folder.require_space()
        # Under another name until it is complete: an interrupted try leaves nothing half made.
        fresh = self._folder.database / "data.new"
        with disk("making the data folder", fresh):
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(mode=0o700)
            if is_root():
                os.chown(fresh, _NOBODY, _NOBODY)
            argv = (
                str(tools.postgres("initdb")),
                f"--pgdata={fresh}",
                f"--username={OWNER}",
                f"--pwfile={self.password_file(OWNER)}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--locale=C.UTF-8",
                "--no-instructions",
            )
            done = run(
                without_root(argv) if is_root() else argv,
                env=minimal_environment(self._folder),
                timeout_s=_INIT_S,
            )
            if done.returncode != 0:
                raise PlatformFailed(
                    f"{self.component} cannot be initialised",
                    why=self._secrets.mask("; ".join(done.stderr.strip().splitlines()[-3:])),
                    hint="correct the cause named, then repeat the command",
                )
            fresh.rename(self._data)

    def is_ready(self, tools: Tools, port: int) -> str:
        """Return "" when the server takes connections, else what it says."""
        done = run(
            [str(tools.postgres("pg_isready")), "-h", HOST, "-p", str(port), "-t", "1"],
            env=minimal_environment(self._folder),
            timeout_s=_QUERY_S,
        )
        return "" if done.returncode == 0 else (done.stdout + done.stderr).strip()

    def make_roles(self, tools: Tools, port: int, roles: Sequence[str]) -> None:
        """Make the database and its roles with their generated passwords."""
        require_other_roles(self.component, roles)
        passwords = {role: self._secrets.value(self.secret(role)) for role in roles}
        self._psql(tools, port, "postgres", role_sql(self.name, passwords))

    def rows(self, tools: Tools, port: int, sql: str) -> list[dict[str, Any]]:
        """Run a read-only query as the owner; return at most 100 rows."""
        return parse_rows(self._psql(tools, port, self.name, read_only(sql)))

    def environment(self, port: int) -> dict[str, str]:
        """Return the environment in which client programs find the server and the password."""
        passwords = self._secrets.file(f"{self.component}.pgpass")
        line = f"{HOST}:*:*:{OWNER}:{self._secrets.value(self.secret(OWNER))}\n"
        if not passwords.exists() or passwords.read_text() != line:
            write(passwords, line)
        return {
            **minimal_environment(self._folder),
            "PGHOST": HOST,
            "PGPORT": str(port),
            "PGUSER": OWNER,
            "PGPASSFILE": str(passwords),
            "PGCONNECT_TIMEOUT": "5",
        }

    def _psql(self, tools: Tools, port: int, database: str, sql: str) -> str:
        done = run(
            [str(tools.postgres("psql")), *PSQL, f"--dbname={database}"],
            text=sql,
            env=self.environment(port),
            timeout_s=_QUERY_S,
        )
        if done.returncode != 0:
            words = self._secrets.mask(done.stderr.strip())
            raise refusal(self.component, done.returncode, words)
        return done.stdout
