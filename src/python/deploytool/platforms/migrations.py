"""Migrations of a database: which are pending, and their application by dbmate.

Each kind has a table of its own, so that one does not wait for the other.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from deploytool.errors import MigrationFailed
from deploytool.platforms.base import MigrationKind

TABLES: Mapping[MigrationKind, str] = {
    "expand": "schema_migrations",
    "contract": "contract_migrations",
}
# dbmate waits for locks as long as the migration itself allows; this bounds a hopeless one.
MIGRATE_S = 600

Query = Callable[[str], Sequence[Mapping[str, Any]]]
Run = Callable[[MigrationKind], "CompletedProcess[str]"]

_VERSION = re.compile(r"^(\d+)_?.*\.sql$")


def versions(folder: Path) -> dict[str, Path]:
    """Return the migration files by version, in order."""
    files = folder.iterdir() if folder.is_dir() else ()
    found = {match[1]: path for path in files if (match := _VERSION.match(path.name))}
    return dict(sorted(found.items()))


class Migrations:
    """The migration files of a system against one database.

    folder: holds expand/ and contract/. query: asks the database. run: has dbmate apply all of a
    kind, whatever comes of it. mask: hides secrets in what it says.
    """

    def __init__(self, folder: Path, query: Query, run: Run, mask: Callable[[str], str]) -> None:
        self._folder = folder
        self._query = query
        self._run = run
        self._mask = mask
        self._known: Mapping[MigrationKind, Collection[str]] | None = None

    def pending(self, kind: MigrationKind) -> list[Path]:
        """Return the files not yet applied, in order.

        The database is asked once, for both kinds, until something was applied: each question may
        be a program of its own.
        """
        found = versions(self._folder / kind)
        if found and self._known is None:
            self._known = self._applied()
        applied = (self._known or {}).get(kind, ())
        return [path for version, path in found.items() if version not in applied]

    def expect_none_applied(self) -> None:
        """Take it that the database, which is only being made, lacks all."""
        self._known = {}

    def _applied(self) -> dict[MigrationKind, Collection[str]]:
        """Return the versions that the database has of each kind that it has a table for."""
        there = ", ".join(
            f"to_regclass('public.{table}') IS NOT NULL AS {kind}" for kind, table in TABLES.items()
        )
        kinds = [kind for kind, is_there in self._query(f"SELECT {there}")[0].items() if is_there]
        if not kinds:
            return {}
        # As one row: a query returns a bounded number of them.
        listed = ", ".join(
            f"(SELECT json_agg(version) FROM {table}) AS {kind}"  # noqa: S608  # constants
            for kind, table in TABLES.items()
            if kind in kinds
        )
        answer = self._query(f"SELECT {listed}")[0]
        return {kind: answer[kind] or () for kind in TABLES if kind in kinds}

    def apply(self, kind: MigrationKind) -> Sequence[str]:
        """Apply what is pending; return the names. Raises MigrationFailed at the first refused."""
        before = self.pending(kind)
        if not before:
            return []
        self._known = None
        done = self._run(kind)
        if done.returncode != 0:
            raise self._failure(kind, done.stdout + done.stderr)
        return [path.name for path in before]

    def _failure(self, kind: MigrationKind, output: str) -> MigrationFailed:
        left = self.pending(kind)
        culprit = left[0].name if left else kind
        words = [
            line for line in output.splitlines() if not line.startswith(("Applying", "Applied"))
        ]
        return MigrationFailed(
            f"the {kind} migration {culprit} was refused",
            why=self._mask("; ".join(line.strip() for line in words if line.strip())),
            note="the migrations before it stay applied; every service runs on as it did",
            hint=f"correct {left[0] if left else self._folder / kind}, then "
            # A promotion that it follows is done: repeated, the command would be another one.
            + ("`deploytool up` applies it" if kind == "contract" else "repeat the command"),
        )
