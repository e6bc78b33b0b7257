"""PostgreSQL of a Kubernetes target: its roles, and questions to it, by its own psql in its pod."""

from collections.abc import Mapping, Sequence
from typing import Any

from deploytool.errors import InvalidInput, PlatformFailed
from deploytool.platforms.base import Condition
from deploytool.platforms.docker_client import last_line
from deploytool.platforms.kubernetes.inspection import Inspection
from deploytool.platforms.kubernetes.kubectl import Kubectl
from deploytool.platforms.kubernetes.pods import judge_pod
from deploytool.platforms.kubernetes.secrets import ClusterSecrets
from deploytool.platforms.postgresql import (
    OWNER,
    PSQL,
    parse_rows,
    read_only,
    refusal,
    require_other_roles,
    role_sql,
)

_QUERY_S = 30.0


class ClusterDatabase:
    """The database server of one target.

    Inside its pod, whoever may run a program is the owner: no password is needed, so none is sent.
    """

    def __init__(
        self,
        component: str,
        database: str,
        inspection: Inspection,
        kubectl: Kubectl,
        secrets: ClusterSecrets,
    ) -> None:
        self.component = component
        self._database = database
        self._inspection = inspection
        self._kubectl = kubectl
        self._secrets = secrets

    def make_secrets(self, roles: Sequence[str], port: int) -> None:
        """Make what the pods mount.

        Raises InvalidInput when there is data whose passwords are lost: new ones fit nothing.
        """
        require_other_roles(self.component, roles)
        if not self._secrets.exist() and self._inspection.has_volumes(self.component):
            raise InvalidInput(
                "there is data of this target, but not its passwords",
                why=f"the Secrets of {self.component} are gone, and it has a volume",
                hint="put them back, or delete the data: `deploytool down --volumes`",
            )
        self._secrets.make(f"{self.component}:{port}/{self._database}?sslmode=disable")

    def make_roles(self, roles: Sequence[str]) -> None:
        """Make the database and its roles with the passwords of their Secrets."""
        passwords = {role: self._secrets.value(role) for role in roles}
        self._psql("postgres", role_sql(self._database, passwords))

    def rows(self, sql: str) -> list[Mapping[str, Any]]:
        """Run a read-only query as the owner; return at most 100 rows."""
        return list(parse_rows(self._psql(self._database, read_only(sql))))

    def _psql(self, database: str, sql: str) -> str:
        pod, container = self._place()
        argv = ("psql", *PSQL, f"--username={OWNER}", f"--dbname={database}")
        done = self._kubectl.execute(pod, container, argv, text=sql, timeout_s=_QUERY_S)
        if done.returncode != 0:
            words = self._secrets.mask(done.stderr.strip())
            raise refusal(self.component, done.returncode, words)
        return done.stdout

    def _place(self) -> tuple[str, str]:
        """Return a pod that is ready and its first container. Raises PlatformFailed."""
        reasons = ["it has no pod"]
        for pod in self._inspection.pods(self.component):
            health = judge_pod(pod)
            if health.condition is Condition.READY:
                return str(pod["metadata"]["name"]), str(pod["spec"]["containers"][0]["name"])
            reasons.append(health.reason)
        raise PlatformFailed(
            f"{self.component} does not answer",
            why=last_line("\n".join(reasons)),
            hint="run `deploytool up`; it starts what does not run",
        )
