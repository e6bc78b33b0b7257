"""From changed files and the graph of targets to the work that they ask for; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from pipeline import meaning
from pipeline.changes import Changes, decisive, meaning_of
from pipeline.graph import Graph, Target
from pipeline.homeless import END_TO_END, homeless
from pipeline.selection import PLATFORMS, TESTS, Selection, everything

# Tags of targets: tests of whole systems that are always run; what a service is deployed as; tests
# that need a Docker engine without running an image of ours. Sources that are of one platform alone
# have its name.
CORE, SERVICE, ENGINE = "core", "service", "engine"


def select(changed: Mapping[str, str], now: Graph, before: Graph | None) -> Selection:
    """Return the work that the changed files ask for.

    `changed`: the status that git gives each path. `before`: the graph of the base; None unless
    `needs_base` says that it is needed.
    """
    reason = decisive(changed)
    if reason:
        return everything(reason)
    now = now.with_dependencies(meaning.dependencies_unseen(now))
    if before is not None:
        before = before.with_dependencies(meaning.dependencies_unseen(before))
    changes = meaning_of(changed, now, before)
    unknown = changes.unknown or homeless(now)
    if unknown:
        return everything(unknown)
    return _selection(changes, now, Reach.of(changes, now, before))


@dataclass(frozen=True)
class Reach:
    """The targets of now that a change reaches, each with the one it is reached from.

    `wholly`: by platform those that it reaches otherwise than through the package of a service or a
    source of another platform: their tests of whole systems are all run.
    `imports`: those that it reaches by what type checks follow, which is no package and no file.
    """

    via: Mapping[str, str]
    wholly: Mapping[str, Collection[str]]
    imports: Collection[str]
    paths: Mapping[str, str]

    @classmethod
    def of(cls, changes: Changes, now: Graph, before: Graph | None) -> Reach:
        """Return what depends on the changed targets, by the graph of now and that of before."""
        via: dict[str, str] = {}
        wholly: dict[str, set[str]] = {platform: set() for platform in PLATFORMS}
        imports: set[str] = set()
        for graph in filter(None, (now, before)):
            roots = changes.targets.keys() & graph.targets.keys()
            packages = _addresses(graph.targets.values(), meaning.PACKAGES)
            typed = {each for each in roots if graph.targets[each].kind in meaning.TYPED}
            via = {**graph.affected(roots), **via}
            for platform, reached in wholly.items():
                passing = _passing(graph, platform)
                reached.update(graph.affected(roots, ending_at=passing))
            imports.update(graph.affected(typed, ending_at=packages))
        return cls(
            {address: step for address, step in via.items() if address in now.targets},
            wholly,
            imports,
            changes.targets,
        )

    def why(self, address: str) -> str:
        """Return the file that has changed, and the dependency that brings it to the target."""
        root, seen = address, {address}
        while self.via.get(root, root) not in seen:
            root = self.via[root]
            seen.add(root)
        path, step = self.paths.get(root, root), self.via.get(address, address)
        return path if step in {address, root} else f"{path}, through {step}"


def _passing(graph: Graph, platform: str) -> set[str]:
    """Return the services' packages and the sources of other platforms."""
    others = {SERVICE, *PLATFORMS} - {platform}
    return {
        target.address
        for target in graph.targets.values()
        if others & target.tags and END_TO_END not in target.tags
    }


def _selection(changes: Changes, now: Graph, reach: Reach) -> Selection:
    reasons = list(changes.reasons)
    reached = [now.targets[address] for address in sorted(reach.via)]
    packages = [
        each
        for each in reached
        if each.kind in meaning.PACKAGES and each.folder.startswith(meaning.PACKAGED)
    ]
    reasons.extend(f"package {each.address}: {reach.why(each.address)}" for each in packages)
    tests = _tests(reached, reach, reasons)
    return Selection(
        lint=_lint(changes, now, reach, reasons),
        types=tuple(sorted(changes.types | _types(reached, reach))),
        checks=_checks(changes, reach, reasons),
        run=_runs(now, reach),
        packages=tuple(each.address for each in packages if each.kind != "docker_image"),
        images=tuple(each.address for each in packages if each.kind == "docker_image"),
        tests=tests,
        engine_for_parts=_needs_engine(tests["parts"], now),
        deployments=_deployments(now, reach, reasons),
        reasons=tuple(reasons) or ("nothing: no check, test or package depends on it",),
    )


def _tests(
    reached: Iterable[Target], reach: Reach, reasons: list[str]
) -> Mapping[str, tuple[str, ...]]:
    """Return the tests by stage; of whole systems the core where only what passes is another."""
    chosen: dict[str, list[str]] = {stage: [] for stage in TESTS}
    left_out = 0
    for test in (each for each in reached if each.kind == "python_test"):
        stage = "parts"
        if END_TO_END in test.tags:
            [stage] = test.tags & set(PLATFORMS)
            if CORE not in test.tags and test.address not in reach.wholly[stage]:
                left_out += 1
                continue
        chosen[stage].append(test.address)
    reasons.extend(
        f"tests of {stage}: {len(tests)}; the first, {tests[0]}, by {reach.why(tests[0])}"
        for stage, tests in chosen.items()
        if tests
    )
    if left_out:
        reasons.append(
            f"{left_out} tests of whole systems left out: nothing has changed but services, or"
            " sources of other platforms"
        )
    return {stage: tuple(tests) for stage, tests in chosen.items()}


def _lint(changes: Changes, now: Graph, reach: Reach, reasons: list[str]) -> tuple[str, ...]:
    """Return what has itself changed, and manifests also when what checks them has."""
    changed = [now.targets[each] for each in changes.targets if each in now.targets]
    linted = {kind for kinds in meaning.LINTED_BY.values() for kind in kinds}
    chosen = changes.lint | _addresses(changed, linted)
    for manifests in now.of_kinds("kubernetes_manifests"):
        causes = [each for each in (manifests.address, meaning.VALIDATOR) if each in reach.via]
        if causes:
            chosen.add(manifests.address)
            reasons.append(f"check of {manifests.address}: {reach.why(causes[0])}")
    return tuple(sorted(chosen))


def _types(reached: Iterable[Target], reach: Reach) -> set[str]:
    """Return the Python sources that have changed, or that import what has."""
    imported = (each for each in reached if each.address in reach.imports)
    return _addresses(imported, meaning.PYTHON)


def _checks(changes: Changes, reach: Reach, reasons: list[str]) -> tuple[str, ...]:
    """Return the checks of what has changed, and those by programs that have."""
    chosen = set(changes.checks)
    for name, check in meaning.CHECKS.items():
        programs = [each for each in check.programs if each in reach.via]
        if programs:
            chosen.add(name)
            reasons.append(f"check of {name}: {reach.why(programs[0])}")
    return tuple(sorted(chosen))


def _runs(now: Graph, reach: Reach) -> bool:
    """Return whether a deploy tool, or a package without an image that it deploys, is another."""
    return any(
        now.targets[address].kind != "docker_image"
        for deployment in now.of_kinds("deployment")
        for address in _packages(deployment) | {deployment.absolute(deployment.fields["tool"])}
        if address in reach.via
    )


def _deployments(now: Graph, reach: Reach, reasons: list[str]) -> tuple[str, ...]:
    """Return the places whose packages or configuration are others; the tool is neither."""
    chosen = []
    for deployment in now.of_kinds("deployment"):
        for place in sorted(deployment.fields.get("packages") or {}):
            files = (deployment.fields.get("configuration") or {}).get(place, ())
            parts = _packages(deployment, place) | {deployment.absolute(each) for each in files}
            found = sorted(parts & reach.via.keys())
            if found:
                chosen.append(place)
                reasons.append(f"deployment {place}: {reach.why(found[0])} ({', '.join(found)})")
    return tuple(chosen)


def _packages(deployment: Target, place: str | None = None) -> set[str]:
    """Return the addresses of all packages of a deployment, or of those of one place."""
    places = deployment.fields.get("packages") or {}
    return {
        deployment.absolute(spec)
        for each, packages in places.items()
        if place in {None, each}
        for spec in packages.values()
    }


def _needs_engine(tests: Iterable[str], now: Graph) -> bool:
    """Return whether one of the tests says so, or runs an image."""
    images = _addresses(now.targets.values(), {"docker_image"})
    return any(
        ENGINE in now.targets[test].tags or images & now.targets[test].dependencies
        for test in tests
    )


def _addresses(targets: Iterable[Target], kinds: Collection[str]) -> set[str]:
    return {target.address for target in targets if target.kind in kinds}
