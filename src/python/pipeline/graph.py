"""The targets of the repository and who depends on whom; pure, read from `pants peek ::`."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Target:
    """A target as Pants describes it; `fields` is all of the description."""

    address: str
    kind: str
    sources: tuple[str, ...]
    dependencies: frozenset[str]
    tags: frozenset[str]
    fields: Mapping[str, Any]

    @property
    def folder(self) -> str:
        """The folder of the BUILD file that defines it, or of a source below that."""
        return self.address.partition(":")[0].partition("@")[0]

    def absolute(self, spec: str) -> str:
        """Return the address that a spec of this target's BUILD file names."""
        path, colon, name = spec.partition(":")
        path = (path or self.folder).removeprefix("//")
        return f"{path}:{name if colon else path.rpartition('/')[2]}"


@dataclass(frozen=True)
class Graph:
    """All targets of one state of the repository, by address."""

    targets: Mapping[str, Target]

    @classmethod
    def read(cls, peeked: str) -> Graph:
        """Return the graph that `pants peek ::` printed; raises ValueError when that is no JSON."""
        targets = {}
        for fields in json.loads(peeked):
            targets[fields["address"]] = Target(
                address=fields["address"],
                kind=fields["target_type"],
                sources=tuple(fields.get("sources") or ()),
                dependencies=frozenset(fields.get("dependencies") or ()),
                tags=frozenset(fields.get("tags") or ()),
                fields=fields,
            )
        return cls(targets)

    def with_dependencies(self, more: Mapping[str, Collection[str]]) -> Graph:
        """Return the graph with dependencies that Pants does not count as such."""
        return Graph(
            {
                address: replace(
                    target, dependencies=target.dependencies | frozenset(more.get(address, ()))
                )
                for address, target in self.targets.items()
            }
        )

    @cached_property
    def _owners(self) -> Mapping[str, frozenset[str]]:
        owners = defaultdict(set)
        for target in self.targets.values():
            for source in target.sources:
                owners[source].add(target.address)
        return {source: frozenset(found) for source, found in owners.items()}

    @cached_property
    def _dependents(self) -> Mapping[str, frozenset[str]]:
        dependents = defaultdict(set)
        for target in self.targets.values():
            for dependency in target.dependencies:
                dependents[dependency].add(target.address)
        return {address: frozenset(found) for address, found in dependents.items()}

    def owners(self, path: str) -> frozenset[str]:
        """Return the addresses of the targets that have the file among their sources."""
        return self._owners.get(path, frozenset())

    def dependents(self, address: str) -> frozenset[str]:
        """Return who depends on the target directly."""
        return self._dependents.get(address, frozenset())

    def affected(self, roots: Iterable[str], ending_at: Collection[str] = ()) -> dict[str, str]:
        """Return the roots and all that depends on them, each with the target it was reached from.

        A root is reached from itself. Nothing is reached from those of `ending_at`.
        """
        reached = {root: root for root in sorted(roots)}
        waiting = list(reached)
        while waiting:
            address = waiting.pop()
            if address in ending_at:
                continue
            for dependent in sorted(self.dependents(address) - reached.keys()):
                reached[dependent] = address
                waiting.append(dependent)
        return reached

    def of_kinds(self, *kinds: str) -> list[Target]:
        """Return the targets of these types, in the order of their addresses."""
        found = (target for target in self.targets.values() if target.kind in kinds)
        return sorted(found, key=lambda target: target.address)


def redefined(before: Graph, after: Graph) -> frozenset[str]:
    """Return the targets that one of the graphs has and the other has not, or has otherwise."""
    addresses = before.targets.keys() | after.targets.keys()
    return frozenset(
        address
        for address in addresses
        if before.targets.get(address) != after.targets.get(address)
    )
