"""The migrations that a change brings, with their kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pipeline.summary import plain, table

_MEANS = {
    "expand": "adds, in a way that every revision can live with; applied before anything starts",
    "contract": "takes away; applied when nothing older runs, and cuts off the way back",
}
_WORDS = {"A": "new", "M": "changed", "D": "deleted"}


@dataclass(frozen=True)
class Migration:
    """A migration that is not as before. status: as git says it, A, M or D."""

    status: str
    kind: str
    name: str


def migrations_among(changed: Mapping[str, str], folder: str) -> list[Migration]:
    """Return the migrations among changed files, path -> status. folder: has one of each kind."""
    found = []
    for path, status in sorted(changed.items()):
        parts = PurePosixPath(path)
        if parts.suffix == ".sql" and str(parts.parent.parent) == folder:
            found.append(Migration(status, parts.parent.name, parts.name))
    return found


def told(migrations: Sequence[Migration]) -> str:
    """Return them as Markdown, with a warning of those that were applied somewhere already."""
    if not migrations:
        return "No migration changes."
    rows = [
        (_WORDS.get(each.status, each.status), each.kind, plain(each.name), _means(each))
        for each in migrations
    ]
    lines = [table(("", "kind", "migration", "what that means"), rows)]
    if any(each.status != "A" for each in migrations):
        lines.append(
            "⚠️ A database that has applied a migration never sees a change of its file: "
            "write another one."
        )
    return "\n\n".join(lines)


def _means(migration: Migration) -> str:
    return _MEANS.get(migration.kind, "of an unknown kind")
