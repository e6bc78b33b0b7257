"""What changed files mean by themselves, before anything that depends on them; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipeline import meaning
from pipeline.graph import Graph, redefined


@dataclass
class Changes:
    """What has changed: targets, each with the file that did it, and what is checked by itself.

    `unknown` says why nothing at all can be left out, if so.
    """

    targets: dict[str, str] = field(default_factory=dict)
    lint: set[str] = field(default_factory=set)
    types: set[str] = field(default_factory=set)
    checks: set[str] = field(default_factory=set)
    reasons: list[str] = field(default_factory=list)
    unknown: str | None = None

    def add(self, addresses: Iterable[str], path: str) -> None:
        """Note that a file has changed these targets; who was named first stays."""
        for address in addresses:
            self.targets.setdefault(address, path)


def needs_base(changed: Mapping[str, str]) -> bool:
    """Return whether only the graph of before tells what changed files mean.

    `changed`: the status that git gives each path. Of a file that is gone the graph of now knows no
    owner, and a BUILD file may define otherwise what it still defines.
    """
    return any(status == "D" or _defines(path) for path, status in changed.items())


def decisive(changed: Iterable[str]) -> str | None:
    """Return why no graph needs to be read to know that all work is to be done, if so."""
    found = sorted(path for path in changed if meaning.decides_everything(path))
    return f"{found[0]} decides about all work" if found else None


def meaning_of(changed: Iterable[str], now: Graph, before: Graph | None) -> Changes:
    """Return what the changed files mean. `before` is None unless `needs_base`."""
    changes = Changes()
    # Last the BUILD files, to which all is put down that no other file explains.
    for path in sorted(changed, key=lambda path: (_defines(path), path)):
        if _defines(path):
            if before is not None:
                changes.add(redefined(before, now), path)
        elif not _add_file(changes, path, now, before):
            changes.unknown = f"{path} belongs to no target, and no rule knows it"
            break
    return changes


def _defines(path: str) -> bool:
    return path.rpartition("/")[2] == "BUILD"


def _add_file(changes: Changes, path: str, now: Graph, before: Graph | None) -> bool:
    """Take a file into account; return whether its meaning is known."""
    owners = now.owners(path) | (before.owners(path) if before else frozenset())
    changes.add(owners, path)
    is_tool, is_checked = _add_lock(changes, path, now), _add_checks(changes, path)
    if owners or is_tool or is_checked:
        return not _is_idle_lock(path, now, is_tool=is_tool)
    if meaning.matches(path, meaning.NOTHING):
        changes.reasons.append(f"nothing: {path} is for people")
        return True
    return False


def _add_lock(changes: Changes, path: str, now: Graph) -> bool:
    """Take the lock, or the requirements, of a tool into account; return whether they are one's."""
    resolve = meaning.resolve_of(path)
    if resolve is None:
        return False
    changes.add(now.owners(meaning.lock_of(resolve)), path)
    linted = {target.address for target in now.of_kinds(*meaning.LINTED_BY.get(resolve, ()))}
    if linted:
        changes.lint |= linted
        changes.reasons.append(f"lint of {len(linted)} targets: {path} is their linter's")
    if resolve == meaning.TYPES_BY:
        changes.types |= {target.address for target in now.of_kinds(*meaning.PYTHON)}
        changes.reasons.append(f"types of all: {path} is the checker's")
    return resolve in {*meaning.LINTED_BY, *meaning.USED_BY, meaning.TYPES_BY}


def _is_idle_lock(path: str, now: Graph, *, is_tool: bool) -> bool:
    """Return whether nothing known uses the lock: it is for something unknown, then."""
    resolve = meaning.resolve_of(path)
    if resolve is None or is_tool:
        return False
    return not any(now.dependents(lock) for lock in now.owners(meaning.lock_of(resolve)))


def _add_checks(changes: Changes, path: str) -> bool:
    """Take a file that is checked by itself into account; return whether it is one."""
    found = [
        name
        for name, check in meaning.CHECKS.items()
        if meaning.matches(path, check.files) and not meaning.matches(path, meaning.NOTHING)
    ]
    changes.checks.update(found)
    changes.reasons.extend(f"check of {name}: {path}" for name in found)
    return bool(found)
