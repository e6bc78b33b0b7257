"""What files mean that Pants does not know, and what the tools of the checks are used for; pure.

The only module that names files of this repository. A file that neither a target nor a line here
knows means everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pipeline.graph import Graph

# These decide about all work alike: the program that selects, the gate, what runs its stages, Pants
# and its plugins.
EVERYTHING = (
    ".ci/*",
    ".github/workflows/ci.yml",
    ".github/actions/set-up/*",
    "pants",
    "pants.toml",
    "pants-plugins/*",
    "pyproject.toml",
    "src/python/pipeline/*",
    "3rdparty/python/pants.*",
)

# Where no target has them among its sources. `*` stands for slashes, too.
NOTHING = ("*.md",)

# The targets that a lock serves beside those of its resolve, by resolve and type of target. The
# resolves of tools have no requirements that targets could depend on.
PYTHON = ("python_source", "python_test")
TYPED = (*PYTHON, "python_requirement", "_lockfile")
LINTED_BY = {
    "ruff": PYTHON,
    "hadolint": ("docker_image",),
    "kubectl": ("kubernetes_manifests",),
}
TYPES_BY = "mypy"
USED_BY = {
    "pytest": ("python_test",),
    "pyinstaller": ("pyinstaller_binary",),
}
# What checks manifests, from its sources: the option [deploytool-validate].tool.
VALIDATOR = "src/python/deploytool:binary"


@dataclass(frozen=True)
class Check:
    """A check of files that are no targets: their patterns, and the addresses of its programs."""

    files: tuple[str, ...]
    programs: tuple[str, ...]


CHECKS = {
    "workflows": Check(
        (".github/*", "3rdparty/go/actionlint/*", "tests/workflows/stand_ins/*"),
        ("3rdparty/python:zizmor", "3rdparty/python:check-jsonschema"),
    ),
    "migrations": Check(("deploy/database/migrations/*",), ("3rdparty/python:squawk",)),
}

# What .ci/run packages.
PACKAGED = ("3rdparty/images", "src/python", "deploy")
PACKAGES = ("debian_rootfs", "docker_image", "pex_binary", "pyinstaller_binary")

_LOCKS = "3rdparty/python"


def matches(path: str, patterns: tuple[str, ...]) -> bool:
    """Return whether one of the patterns stands for the path."""
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def decides_everything(path: str) -> bool:
    """Return whether no work is independent of the file."""
    return matches(path, EVERYTHING) and not path.endswith(".md")


def resolve_of(path: str) -> str | None:
    """Return the resolve whose lock, or whose list of requirements, the file is."""
    folder, _, name = path.rpartition("/")
    stem, dot, ending = name.rpartition(".")
    return stem if folder == _LOCKS and dot and ending in {"lock", "txt"} else None


def lock_of(resolve: str) -> str:
    """Return the path of a resolve's lock."""
    return f"{_LOCKS}/{resolve}.lock"


def dependencies_unseen(graph: Graph) -> Mapping[str, set[str]]:
    """Return by address what targets depend on that Pants does not count.

    A test runs with the whole lock of its resolve, as pants.toml says, and with pytest's; and some
    types of targets with that of a tool.
    """
    locks = {
        resolve: set(graph.owners(lock_of(resolve)))
        for resolve in {str(target.fields.get("resolve")) for target in graph.targets.values()}
        | set(USED_BY)
    }
    unseen = {
        target.address: set(locks[str(target.fields.get("resolve"))])
        for target in graph.of_kinds("python_test")
    }
    for resolve, kinds in USED_BY.items():
        for target in graph.of_kinds(*kinds):
            unseen.setdefault(target.address, set()).update(locks[resolve])
    return unseen
