"""The pool forgets dead connections and finds a database that has come back."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from legacy_app.adapters import database
from legacy_app.adapters.database import Connection, Database
from legacy_app.domain.errors import DatabaseUnavailable

Postgres = Any  # see conftest.py, from which nothing can be imported
# Returns when they have ended, not when they were told to.
TERMINATE = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'legacy_app'"
)


@asynccontextmanager
async def pool(postgres: Postgres) -> AsyncIterator[Database]:
    tried = Database(
        host=postgres.socket, port=5432, user="legacy_app", password="unused", name="demo"
    )
    await tried.open()
    try:
        yield tried
    finally:
        await tried.close()


async def test_connections_that_died_while_idle_fail_nobody(postgres: Postgres) -> None:
    async with pool(postgres) as tried:
        await asyncio.gather(*(tried.fetch("SELECT pg_sleep(0.05)") for _ in range(10)))
        postgres.query(TERMINATE)
        await asyncio.gather(*(tried.ping() for _ in range(50)))


async def test_it_recovers_soon_from_an_outage_in_which_many_gave_up_waiting(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "WAIT_S", 0.1)
    monkeypatch.setattr(database, "MAX_WAITING", 5)
    async with pool(postgres) as tried:
        await tried.ping()
        postgres.query("ALTER ROLE legacy_app NOLOGIN")
        try:
            postgres.query(TERMINATE)
            for _ in range(20):
                with pytest.raises(DatabaseUnavailable):
                    await tried.ping()
            await asyncio.sleep(2)
        finally:
            postgres.query("ALTER ROLE legacy_app LOGIN")
        back_s = time.monotonic()
        while True:
            try:
                await tried.ping()
                break
            except DatabaseUnavailable:
                assert time.monotonic() - back_s < 5
                await asyncio.sleep(0.05)


async def test_a_statement_that_takes_too_long_is_not_begun_again(postgres: Postgres) -> None:
    async with pool(postgres) as tried:
        begun = 0

        async def work(connection: Connection) -> None:
            nonlocal begun
            begun += 1
            await connection.execute("SET statement_timeout = 50")
            await connection.execute("SELECT pg_sleep(1)")

        with pytest.raises(DatabaseUnavailable):
            await tried.run(work)
        assert begun == 1
