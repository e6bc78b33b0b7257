"""A small repository as Pants would describe it: two services, their tool, and what tests them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.graph import Graph

SERVICES = "3rdparty/python/services.lock"
TESTS = "3rdparty/python/tests.lock"


def described(
    address: str, kind: str, dependencies: Iterable[str] = (), **fields: Any
) -> dict[str, Any]:
    return {
        "address": address,
        "target_type": kind,
        "dependencies": list(dependencies),
        "tags": None,
        **fields,
    }


def source(path: str, *dependencies: str, resolve: str = "services") -> dict[str, Any]:
    return described(path, "python_source", dependencies, sources=[path], resolve=resolve)


def tested(path: str, *dependencies: str, tags: Iterable[str] = ()) -> dict[str, Any]:
    return described(
        path, "python_test", dependencies, sources=[path], resolve="tests", tags=list(tags)
    )


def lock(resolve: str) -> dict[str, Any]:
    path = f"3rdparty/python/{resolve}.lock"
    return described(path, "_lockfile", sources=[path])


def file(path: str) -> dict[str, Any]:
    return described(path, "file", sources=[path])


def system(place: str, image: str) -> list[dict[str, Any]]:
    """Describe the tests of a whole system: the core, and one more."""
    tags = ("end-to-end", place)
    runs = (f"src/python/shop:{image}", "src/python/deploytool:binary", "deploy/system.yaml")
    return [
        tested(f"tests/{place}/test_canaries.py", *runs, tags=(*tags, "core")),
        tested(f"tests/{place}/test_faults.py", *runs, tags=tags),
    ]


TARGETS = [
    *(lock(name) for name in ("services", "tests", "ruff", "mypy", "pytest", "hadolint", "syft")),
    lock("kubectl"),
    lock("squawk"),
    described("3rdparty/python:fastapi", "python_requirement", [SERVICES], resolve="services"),
    described("3rdparty/python:squawk", "pex_binary", ["3rdparty/python/squawk.lock"]),
    source("src/python/shop/domain.py"),
    source("src/python/shop/main.py", "src/python/shop/domain.py", "3rdparty/python:fastapi"),
    described("src/python/shop:shop", "pex_binary", ["src/python/shop/main.py"], tags=["service"]),
    described(
        "src/python/shop:image",
        "docker_image",
        ["src/python/shop:shop"],
        sources=["src/python/shop/Dockerfile"],
        tags=["service"],
    ),
    source("src/python/deploytool/main.py", resolve="deploytool"),
    described("src/python/deploytool:binary", "pex_binary", ["src/python/deploytool/main.py"]),
    file("deploy/system.yaml"),
    file("deploy/database/migrations/1.sql"),
    described("deploy/database:migrations", "docker_image", ["deploy/database/migrations/1.sql"]),
    described(
        "deploy/kubernetes:kubernetes",
        "kubernetes_manifests",
        ["deploy/system.yaml"],
        sources=["deploy/kubernetes/a.yaml", "deploy/kubernetes/b.yaml"],
    ),
    described(
        "src/python/deploytool:deploytool",
        "deployment",
        ["src/python/deploytool:binary", "src/python/shop:shop", "src/python/shop:image"],
        tool=":binary",
        packages={
            "local": {"shop": "src/python/shop"},
            "kubernetes": {
                "shop": "src/python/shop:image",
                "migrations": "deploy/database:migrations",
            },
        },
        configuration={"kubernetes": ["deploy/kubernetes"]},
    ),
    tested("tests/shop/test_domain.py", "src/python/shop/domain.py"),
    tested("tests/shop/test_main.py", "src/python/shop/main.py"),
    tested("tests/deploytool/test_main.py", "src/python/deploytool/main.py"),
    tested("tests/images/test_image.py", "src/python/shop:image"),
    tested("tests/plugin/test_images.py", tags=["engine"]),
    *system("local", "shop"),
    *system("kubernetes", "image"),
    tested(
        "tests/kubernetes/test_manifests.py",
        "deploy/kubernetes:kubernetes",
        tags=("end-to-end", "kubernetes"),
    ),
]


def shop(
    without: Iterable[str] = (), changed: Mapping[str, Mapping[str, Any]] | None = None
) -> Graph:
    """Return the graph, without some targets and with fields of some changed."""
    targets = [
        {**target, **(changed or {}).get(target["address"], {})}
        for target in TARGETS
        if target["address"] not in set(without)
    ]
    return Graph.read(json.dumps(targets))
