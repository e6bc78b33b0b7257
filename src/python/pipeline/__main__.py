"""`.ci/select [BASE]`: prints the work since a commit as JSON, and on standard error why.

Without BASE, all work. What is not known means all work, too, so this ends with 0 either way.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pipeline.changes import decisive, needs_base
from pipeline.deciding import select
from pipeline.repository import Unknown, base_of, changed_since, graph_at, graph_of
from pipeline.selection import Selection, everything


def selected(root: Path, base: str) -> Selection:
    """Return the work since a commit; raises Unknown. Pants is asked only when it must be."""
    changed = changed_since(root, base)
    if not changed:
        return Selection(reasons=("nothing: no file has changed",))
    reason = decisive(changed)
    if reason:
        return everything(reason)
    now = graph_of(root)
    before = graph_at(root, base) if needs_base(changed) else None
    return select(changed, now, before)


def main(root: Path, reference: str | None) -> None:
    """Print the selection and its reasons."""
    base = None
    if reference is None:
        selection = everything("no base was named")
    else:
        try:
            base = base_of(root, reference)
            selection = selected(root, base)
        except Unknown as unknown:
            selection = everything(str(unknown))
    sys.stdout.write(f"{selection.as_json(base)}\n")
    sys.stderr.writelines(f"{line}\n" for line in selection.reasons)


if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            main(Path.cwd(), None)
        case [reference]:
            main(Path.cwd(), reference)
        case _:
            sys.stderr.write("usage: .ci/select [BASE]\n")
            sys.exit(2)
