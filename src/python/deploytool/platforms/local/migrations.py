"""Migrations of a local database, applied by dbmate; one table for each kind."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from deploytool.errors import MigrationFailed
from deploytool.platforms.base import MigrationKind
from deploytool.platforms.local.commands import run
from deploytool.platforms.local.database import LocalDatabase
from deploytool.platforms.local.secrets import Secrets
from deploytool.platforms.local.tools import Tools

_VERSION = re.compile(r"^(\d+)_?.*\.sql$")
_TABLES: dict[MigrationKind, str] = {
    "expand": "schema_migrations",
    "contract": "contract_migrations",
}
# dbmate waits for locks as long as the migration itself allows; this bounds a hopeless one.
_MIGRATE_S = 600


def pending_files(folder: Path, applied: Iterable[str]) -> list[Path]:
    """Return the migration files whose version was not applied, in order."""
    if not folder.is_dir():
        return []
    done = set(applied)
    found = {match[1]: path for path in folder.iterdir() if (match := _VERSION.match(path.name))}
    return [found[version] for version in sorted(found) if version not in done]


class Migrations:
    """The migration files of a system against one local database.

    folder: holds expand/ and contract/.
    """

    def __init__(self, folder: Path, database: LocalDatabase, secrets: Secrets) -> None:
        self._folder = folder
        self._database = database
        self._secrets = secrets

    def pending(self, kind: MigrationKind, tools: Tools, port: int) -> list[Path]:
        """Return the files not yet applied, in order."""
        table = _TABLES[kind]
        exists = self._database.rows(
            tools, port, f"SELECT 1 AS found WHERE to_regclass('public.{table}') IS NOT NULL"
        )
        applied: list[str] = []
        if exists:
            # As one row: a query returns a bounded number of them.
            sql = f"SELECT json_agg(version) AS v FROM {table}"  # noqa: S608  # a constant
            row = self._database.rows(tools, port, sql)
            applied = row[0]["v"] or []
        return pending_files(self._folder / kind, applied)

    def apply(self, kind: MigrationKind, tools: Tools, port: int) -> Sequence[str]:
        """Apply what is pending; return the names. Raises MigrationFailed at the first refused."""
        before = self.pending(kind, tools, port)
        if not before:
            return []
        done = run(
            [
                str(tools.dbmate),
                "--migrations-dir",
                str(self._folder / kind),
                "--migrations-table",
                _TABLES[kind],
                "--no-dump-schema",
                "migrate",
            ],
            cwd=self._folder,
            env={
                **self._database.environment(port),
                # The password comes from PGPASSFILE.
                "DATABASE_URL": f"postgres:///{self._database.name}?sslmode=disable",
            },
            timeout_s=_MIGRATE_S,
        )
        if done.returncode != 0:
            raise self._failure(kind, tools, port, done.stdout + done.stderr)
        return [path.name for path in before]

    def _failure(
        self, kind: MigrationKind, tools: Tools, port: int, output: str
    ) -> MigrationFailed:
        left = self.pending(kind, tools, port)
        culprit = left[0].name if left else kind
        words = [
            line for line in output.splitlines() if not line.startswith(("Applying", "Applied"))
        ]
        return MigrationFailed(
            f"the {kind} migration {culprit} was refused",
            why=self._secrets.mask("; ".join(line.strip() for line in words if line.strip())),
            note="the migrations before it stay applied; every service runs on as it did",
            hint=f"correct {left[0] if left else self._folder / kind}, then "
            # A promotion that it follows is done: repeated, the command would be another one.
            + ("`deploytool up` applies it" if kind == "contract" else "repeat the command"),
        )
