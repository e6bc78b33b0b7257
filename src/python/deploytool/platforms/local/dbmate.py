"""dbmate as a program of this machine."""

from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import CompletedProcess

from deploytool.platforms.base import MigrationKind
from deploytool.platforms.migrations import TABLES
from deploytool.programs import run_watched


def apply(
    dbmate: Path,
    folder: Path,
    kind: MigrationKind,
    *,
    database: str,
    environment: Mapping[str, str],
    look: Callable[[], None],
) -> "CompletedProcess[str]":
    """Apply all migrations of a kind, whatever comes of it.

    environment: finds the server, with the limits of the session. look: is called meanwhile.
    """
    return run_watched(
        [
            str(dbmate),
            "--migrations-dir",
            str(folder / kind),
            "--migrations-table",
            TABLES[kind],
            "--no-dump-schema",
            # One that a killed operation has left is waited for.
            "--migration-lock",
            "migrate",
        ],
        cwd=folder,
        env={
            **environment,
            # The password comes from PGPASSFILE.
            "DATABASE_URL": f"postgres:///{database}?sslmode=disable",
        },
        look=look,
    )
