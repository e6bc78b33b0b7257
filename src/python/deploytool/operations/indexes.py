"""Indexes that PostgreSQL has begun to build concurrently, and left half built.

It keeps such an index up to date, but no query uses it, and the rows before a unique one may break
it. A migration with IF NOT EXISTS passes over it.
"""

from dataclasses import dataclass

from deploytool.operations.context import Context

# Without those that are being built now, and partitioned ones, whose parts may be to come.
_HALF_BUILT = """
SELECT quote_ident(nspname) || '.' || quote_ident(relname) AS name,
  indrelid::regclass::text AS table
FROM pg_index
JOIN pg_class ON pg_class.oid = indexrelid
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE NOT indisvalid AND relkind = 'i'
  AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index WHERE index_relid = indexrelid)
ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Index:
    """One index, by its full name, of a table."""

    name: str
    table: str

    def __str__(self) -> str:
        """Say how it is."""
        return f"index {self.name} of {self.table} is only half built, so nothing uses it"

    @property
    def remedy(self) -> str:
        """The way to mend the index, as a clause."""
        return (
            f"`REINDEX INDEX CONCURRENTLY {self.name}` builds it anew, "
            f"`DROP INDEX CONCURRENTLY {self.name}` makes room for another try"
        )


def half_built(context: Context) -> list[Index]:
    """Return the indexes that are half built, while nobody builds them."""
    return [Index(row["name"], row["table"]) for row in context.platform.query(_HALF_BUILT)]
