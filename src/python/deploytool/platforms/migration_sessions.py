"""The sessions of migrations in the database: their settings, what they wait for, and their end."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from deploytool.errors import DeployError

# By this name a session of this tool is known in the database; only one operation at a time holds
# the target. What somebody else starts from the image is `migrations` alone, and not ours to end.
APPLICATION = "migrations-deploytool"
# The server ends the session of a client that is gone, whatever that waits for, within this time.
_CLIENT_GONE = "1s"
_QUERY_LENGTH = 200

_OTHERS = f"SELECT pid FROM pg_stat_activity WHERE application_name = '{APPLICATION}'"  # noqa: S608
# A prepared transaction blocks as process 0, of which nothing is known.
_BLOCKING = """
SELECT blocking AS pid, coalesce(state, 'hidden') AS state, usename AS user,
  application_name AS application, query,
  coalesce(round(extract(epoch FROM clock_timestamp() - xact_start)), 0)::int AS seconds
FROM (
  SELECT DISTINCT unnest(pg_blocking_pids(pid)) AS blocking
  FROM pg_stat_activity WHERE application_name LIKE 'migrations%'
) AS waits LEFT JOIN pg_stat_activity ON pid = blocking
ORDER BY xact_start
"""

Query = Callable[[str], Sequence[Mapping[str, Any]]]


def session_settings(lock_timeout_s: float) -> dict[str, str]:
    """Return the environment that gives a migration's session its name and its limits."""
    options = {
        "lock_timeout": f"{round(1000 * lock_timeout_s)}ms",
        "client_connection_check_interval": _CLIENT_GONE,
    }
    return {
        "PGAPPNAME": APPLICATION,
        "PGOPTIONS": " ".join(f"-c {name}={value}" for name, value in options.items()),
    }


class MigrationSessions:
    """The sessions that begin from now on; those of before are somebody else's."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._before = [row["pid"] for row in query(_OTHERS)]

    def blocking(self) -> dict[int, str]:
        """Return pid -> a clause with its query, of each that a migration waits for."""
        return {row["pid"]: _clause(row) for row in self._query(_BLOCKING)}

    def end(self) -> None:
        """End them in the database, if it can be reached: otherwise it does so by itself."""
        others = ", ".join(str(pid) for pid in (0, *self._before))
        with suppress(DeployError):
            self._query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "  # noqa: S608  # numbers
                f"WHERE application_name = '{APPLICATION}' AND pid NOT IN ({others})"
            )


class Late(Exception):
    """The deadline is over."""


class Watch:
    """Looks at what a migration waits for while it does, and ends the waiting at the deadline.

    deadline: of the monotonic clock. tell: is given what stands in the way, once. blocker: what
    did so last, "" for nothing.
    """

    def __init__(
        self,
        sessions: MigrationSessions,
        *,
        deadline: float,
        every_s: float,
        tell: Callable[[str], None],
    ) -> None:
        self._sessions = sessions
        self._deadline = deadline
        self._every_s = every_s
        self._next = time.monotonic() + every_s
        self._told: set[int] = set()
        self.say = tell
        self.blocker = ""

    def look(self) -> None:
        """Look, if it is time again. Raises Late."""
        self.require_time()
        if time.monotonic() < self._next:
            return
        with suppress(DeployError):  # a database that does not answer fails the migration anyway
            found = self._sessions.blocking()
            if found:
                self.blocker = "; ".join(found.values())
            if not found.keys() <= self._told:
                self.say(f"it waits for {self.blocker}")
            self._told |= found.keys()
        self._next = time.monotonic() + self._every_s

    def require_time(self) -> None:
        """Raise Late when the deadline is over."""
        if time.monotonic() > self._deadline:
            raise Late


def _clause(row: Mapping[str, Any]) -> str:
    if not row["pid"]:
        return "a prepared transaction (see pg_prepared_xacts)"
    lines = (line for line in (row["query"] or "").splitlines() if not line.startswith("--"))
    query = " ".join(" ".join(lines).split())[:_QUERY_LENGTH]
    who = ", ".join(each for each in (row["user"], row["application"]) if each)
    return f"session {row['pid']} ({who}), {row['state']} for {row['seconds']} s: {query}"
