"""The connection pool, which outlives restarts of PostgreSQL without failing a request."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, LiteralString, TypeVar

from psycopg import AsyncConnection, InterfaceError, OperationalError, errors
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from legacy_app.domain.errors import DatabaseUnavailable

T = TypeVar("T")
Connection = AsyncConnection[DictRow]
Pool = AsyncConnectionPool[Connection]

# A restart of PostgreSQL is shorter: requests of that time wait instead of failing.
WAIT_S = 5.0
# More would only wait for their time-out: better told at once.
MAX_WAITING = 200
# The pool's own attempts to reconnect become rarer with every failure, for minutes in the end,
# and then stop. Made to stop this soon and begin again, they go on about once a second.
RECONNECT_S = 0.5
# Passing trouble that another connection does not help.
NO_RETRY = (errors.QueryCanceled, errors.LockNotAvailable, PoolTimeout, TooManyRequests, PoolClosed)


async def _begin_again(pool: Pool) -> None:
    # Not left to the next request: a pool with too many waiting refuses it before it grows, and
    # those whose time ran out count as waiting until there is a connection.
    await pool.check()


class Database:
    """Runs short pieces of work on pooled connections, each in autocommit mode.

    Work may be run twice: it has to be harmless when its first run was committed after all.
    """

    def __init__(self, *, host: str, port: int, user: str, password: str, name: str) -> None:
        self._pool: Pool = AsyncConnectionPool(
            make_conninfo(
                host=host,
                port=port,
                user=user,
                password=password,
                dbname=name,
                application_name="legacy_app",
                connect_timeout=2,
                # Milliseconds; the longest statement here takes a few.
                options="-c statement_timeout=2000 -c lock_timeout=1500",
                keepalives_idle=30,
                keepalives_interval=10,
                keepalives_count=3,
            ),
            connection_class=AsyncConnection[DictRow],
            # The statements are few and always the same: each is planned once a connection. And few
            # connections in constant use are warm; a canary has little to warm many with.
            kwargs={"autocommit": True, "row_factory": dict_row, "prepare_threshold": 0},
            min_size=1,
            max_size=10,
            timeout=WAIT_S,
            max_waiting=MAX_WAITING,
            reconnect_timeout=RECONNECT_S,
            reconnect_failed=_begin_again,
            open=False,
        )

    async def open(self) -> None:
        """Start connecting in the background; a database that is down is no error yet."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close(timeout=2.0)

    async def run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do `work` on a connection, once more if the connection turns out to be dead.

        Raises DatabaseUnavailable.
        """
        try:
            try:
                return await self._attempt(work)
            except NO_RETRY:
                raise
            except (OperationalError, InterfaceError):
                # After a restart of PostgreSQL every idle connection is stale, and each would
                # fail one request: sort them all out now.
                await self._pool.check()
                return await self._attempt(work)
        except (OperationalError, InterfaceError) as error:
            raise DatabaseUnavailable("The database does not answer just now.") from error

    async def _attempt(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        async with self._pool.connection() as connection:
            return await work(connection)

    async def fetch(
        self, query: LiteralString, parameters: Mapping[str, Any] | Sequence[Any] = ()
    ) -> list[DictRow]:
        """Run one statement and return its rows. Raises DatabaseUnavailable."""

        async def work(connection: Connection) -> list[DictRow]:
            return await (await connection.execute(query, parameters)).fetchall()

        return await self.run(work)

    async def ping(self) -> None:
        """Make sure that the database answers. Raises DatabaseUnavailable."""
        await self.fetch("SELECT 1")
