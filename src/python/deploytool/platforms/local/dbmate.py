"""dbmate as a program of this machine."""

from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess

from deploytool.platforms.base import MigrationKind
from deploytool.platforms.commands import run
from deploytool.platforms.migrations import MIGRATE_S, TABLES


def apply(
    dbmate: Path,
    folder: Path,
    kind: MigrationKind,
    *,
    database: str,
    environment: Mapping[str, str],
) -> "CompletedProcess[str]":
    """Apply all migrations of a kind, whatever comes of it. environment: finds the server."""
    return run(
        [
            str(dbmate),
            "--migrations-dir",
            str(folder / kind),
            "--migrations-table",
            TABLES[kind],
            "--no-dump-schema",
            "migrate",
        ],
        cwd=folder,
        env={
            **environment,
            # The password comes from PGPASSFILE.
            "DATABASE_URL": f"postgres:///{database}?sslmode=disable",
        },
        timeout_s=MIGRATE_S,
    )
