"""PostgreSQL of a Compose target: its roles, its migrations' secret, and questions to it."""

from collections.abc import Mapping, Sequence
from typing import Any

from deploytool.errors import PlatformFailed
from deploytool.platforms.compose.engine import Container, Engine
from deploytool.platforms.docker_client import last_line
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


class ComposeDatabase:
    """The database server of one target; asked by its own psql, inside its container.

    Inside, whoever may run a program is the owner: no password is needed, so none is sent.
    """

    def __init__(self, component: str, database: str, engine: Engine, secrets: Secrets) -> None:
        self.component = component
        self._database = database
        self._engine = engine
        self._secrets = secrets

    def secret(self, role: str) -> str:
        """Return the name of the secret that is a role's password."""
        return f"{self.component}-{role}"

    def make_secrets(self, roles: Sequence[str], port: int) -> None:
        """Make what the Compose file mounts: each password, and the address for migrations."""
        require_other_roles(self.component, roles)
        for role in (OWNER, *roles):
            self._secrets.value(self.secret(role))
        password = self._secrets.value(self.secret(OWNER))
        place = f"{self.component}:{port}/{self._database}?sslmode=disable"
        self._secrets.keep(
            self.secret("migrations"), f"DATABASE_URL=postgres://{OWNER}:{password}@{place}\n"
        )

    def make_roles(self, roles: Sequence[str]) -> None:
        """Make the database and its roles with their generated passwords."""
        passwords = {role: self._secrets.value(self.secret(role)) for role in roles}
        self._psql("postgres", role_sql(self._database, passwords))

    def complaint(self, container: Container) -> str:
        """Return "" when the server takes connections, else what it says."""
        if not container.is_running:
            return "has no process"
        done = self._engine.execute(
            container, ("pg_isready", f"--username={OWNER}", f"--dbname={self._database}")
        )
        return "" if done.returncode == 0 else last_line(done.stdout + done.stderr)

    def rows(self, sql: str) -> list[Mapping[str, Any]]:
        """Run a read-only query as the owner; return at most 100 rows."""
        return list(parse_rows(self._psql(self._database, read_only(sql))))

    def _psql(self, database: str, sql: str) -> str:
        container = self._engine.container(self.component)
        if container is None or not container.is_running:
            raise PlatformFailed(
                f"{self.component} does not answer",
                why="its container does not run",
                hint="run `deploytool up`; it starts what does not run",
            )
        argv = ("psql", *PSQL, f"--username={OWNER}", f"--dbname={database}")
        done = self._engine.execute(container, argv, text=sql)
        if done.returncode != 0:
            words = self._secrets.mask(done.stderr.strip())
            raise refusal(self.component, done.returncode, words)
        return done.stdout
