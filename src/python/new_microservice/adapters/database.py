"""A connection pool that survives a restart of PostgreSQL without failing a request."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from psycopg import AsyncConnection, OperationalError, errors
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from new_microservice.domain.errors import StoreUnavailable

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]

log = logging.getLogger(__name__)

# A restart of a few seconds is waited out instead of failing the requests of that time.
WAIT_FOR_CONNECTION_S = 5.0
# The pool by itself asks an absent database ever more rarely, for minutes in the end. Told to
# give up this soon, and then to begin anew (`_begin_anew`), it asks about this often.
RECONNECT_S = 0.5
# More waiters than this cannot be served in that time: they are told so at once.
MAX_WAITING = 500
# Set for the session. Time zone: answers read the same wherever the database stands.
SESSION = (
    "-c timezone=UTC -c statement_timeout=3s -c lock_timeout=2s"
    " -c idle_in_transaction_session_timeout=10s"
)
# Repeating cannot help: the statement was too slow, or the pool itself gave up.
FINAL = (errors.QueryCanceled, errors.LockNotAvailable, PoolTimeout, TooManyRequests, PoolClosed)


async def _begin_anew(pool: AsyncConnectionPool) -> None:
    await pool.check()


class Database:
    """Runs work on pooled autocommit connections; nothing connects before `open`."""

    def __init__(self, *, host: str, port: int, user: str, password: str, name: str) -> None:
        self._pool = AsyncConnectionPool(
            kwargs={
                "host": host,
                "port": port,
                "user": user,
                "password": password,
                "dbname": name,
                "application_name": "new-microservice",
                "autocommit": True,
                # The statements are few and always the same: each is planned once a connection.
                "prepare_threshold": 0,
                "connect_timeout": 2,
                "options": SESSION,
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 2,
                "tcp_user_timeout": 10_000,
            },
            open=False,
            # Few connections in constant use are warm; a canary has little to warm many with.
            min_size=1,
            max_size=10,
            timeout=WAIT_FOR_CONNECTION_S,
            reconnect_timeout=RECONNECT_S,
            reconnect_failed=_begin_anew,
            max_waiting=MAX_WAITING,
        )

    async def open(self) -> None:
        """Begin to connect, in the background: a database that is down stops nobody."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

    async def run(self, work: Work[T]) -> T:
        """Do `work` on a connection; once more if the connection broke or lost a deadlock.

        So `work` must be safe to repeat, even when its first commit went through unheard.
        Raises StoreUnavailable.
        """
        try:
            try:
                return await self._attempt(work)
            except OperationalError as error:
                if isinstance(error, FINAL):
                    raise
                log.warning("repeating after a database error: %s", type(error).__name__)
                # Whatever broke this connection broke its idle neighbours: sort them out now,
                # instead of failing one request for each.
                await self._pool.check()
                return await self._attempt(work)
        except OperationalError as error:
            log.error("database does not answer: %s: %s", type(error).__name__, error)
            raise StoreUnavailable("the database does not answer; try again later") from error

    async def _attempt(self, work: Work[T]) -> T:
        async with self._pool.connection() as connection:
            return await work(connection)

    async def ping(self) -> None:
        """Return when the database answers; raises psycopg.Error when it does not."""
        async with self._pool.connection(timeout=1.0) as connection:
            await connection.execute("SELECT 1")
