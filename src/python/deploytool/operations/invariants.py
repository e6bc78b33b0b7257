"""The declared invariants of the data: which rows break them, and which broke them before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deploytool.errors import DeployError
from deploytool.operations.context import Context

# Work that services finish by themselves after a request (driving on what was interrupted).
_SETTLE_S = 30.0
_RETRY_S = 1.0
# A query returns no more rows: of as many nobody can tell later whether others have come.
_MOST_ROWS = 100

# Invariant -> the rows that break it, each by its first column, which names what it is about: the
# other columns are figures, and go on changing.
Known = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Broken:
    """Sentences about invariants that do not hold, each with the number of rows and one of them.

    since: rows break it that did not before. before: the same rows break it that did before.
    """

    since: tuple[str, ...] = ()
    before: tuple[str, ...] = ()


def known_rows(context: Context) -> Known:
    """Return what breaks the invariants now, to be told apart from what comes later.

    Nothing where one cannot look: no operation waits for that.
    """
    try:
        found = _breaking(context)
    except DeployError as error:
        context.say("note", "data", reason=f"not looked at before: {error.what}: {error.why}")
        return {}
    return {name: tuple(_about(row) for row in rows) for name, rows in found.items()}


def broken_invariants(context: Context, known: Known) -> Broken:
    """Return the invariants that do not hold, and since when.

    Waits a while for services to finish what was interrupted; what was broken before is not waited
    for.
    """
    until = context.monotonic() + _SETTLE_S
    while True:
        found = {name: _told_apart(name, rows, known) for name, rows in _breaking(context).items()}
        since = tuple(_sentence(name, new) for name, (new, _) in found.items() if new)
        if not since or context.monotonic() > until:
            before = tuple(_sentence(name, old) for name, (_, old) in found.items() if old)
            return Broken(since, before)
        context.sleep(_RETRY_S)


def _breaking(context: Context) -> dict[str, list[dict[str, object]]]:
    found = {}
    for invariant in context.system.invariants:
        if rows := [dict(row) for row in context.platform.query(invariant.query)]:
            found[invariant.name] = rows
    return found


def _told_apart(
    name: str, rows: Sequence[dict[str, object]], known: Known
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Return the rows that are new, and those that are not, as far as can be told."""
    before = known.get(name, ())
    if len(before) >= _MOST_ROWS:
        return [], list(rows)
    new = [row for row in rows if _about(row) not in before]
    return new, [row for row in rows if _about(row) in before]


def _about(row: Mapping[str, object]) -> str:
    return str(next(iter(row.values()), ""))


def _sentence(name: str, rows: Sequence[dict[str, object]]) -> str:
    least = "at least " if len(rows) >= _MOST_ROWS else ""
    count = f"{least}{len(rows)} rows" if len(rows) > 1 else "1 row"
    return f"{name}: {count}, for example {rows[0]}"
