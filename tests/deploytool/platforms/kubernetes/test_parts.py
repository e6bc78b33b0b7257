"""Which images the manifests of a target run, with a release and without one."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from deploytool.errors import InvalidInput
from deploytool.platforms.images import write_artifacts
from deploytool.platforms.kubernetes.manifests import Manifests
from deploytool.platforms.kubernetes.objects import all_containers
from deploytool.platforms.kubernetes.parts import Parts
from deploytool.system.declaration import System
from deploytool.system.release import ReleasedBuild, ReleasedImage
from deploytool.system.targets import KubernetesTarget

SYSTEM = System.model_validate(
    {
        "system": "example",
        "components": {
            "db": {"kind": "postgresql", "database": "d", "migrations": "m", "roles": ["r"]},
            "edge": {"kind": "gateway"},
            "web": {"kind": "service", "route": "/w"},
        },
    }
)
TARGET = KubernetesTarget.model_validate(
    {
        "platform": "kubernetes",
        "manifests": "kubernetes",
        "namespace": "shop",
        "registry": "localhost:5055",
        "migrations": {"expand": "migrations", "contract": "migrations"},
        "metrics_port": 9100,
        "state": ".state",
    }
)
RENDERED = """\
kind: StatefulSet
metadata: {name: db, labels: {app.kubernetes.io/name: db}}
spec: {template: {spec: {containers: [{name: db, image: db:local}]}}}
---
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      initContainers: [{name: first, image: web:local}]
      containers:
        - {name: web, image: web:local, ports: [{containerPort: 8080}]}
        - {name: side, image: SIDE}
"""


@pytest.fixture(autouse=True)
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir()
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    program.touch(mode=0o755)
    return program


def manifests(kubectl: Path, side: str, artifacts: Mapping[str, Path]) -> Manifests:
    text = RENDERED.replace("SIDE", side)
    kubectl.write_text(f"#!/bin/sh\ncat <<'END'\n{text}END\n")
    root = kubectl.parent.parent
    return Parts(
        target=TARGET,
        system=SYSTEM,
        root=root,
        deploy=root,
        artifacts=artifacts,
        on_secret=lambda _: None,
        on_wait=lambda _: None,
    ).manifests


def released(folder: Path, digit: str) -> dict[str, Path]:
    builds = {
        name: ReleasedBuild(
            image=ReleasedImage(image=image(name, digit), tag="1", platform="linux/amd64"),
            repository="https://example.org/shop",
            commit="c" * 40,
        )
        for name in ("db", "edge", "web")
    }
    place = folder / digit
    place.mkdir()
    return write_artifacts(place, builds)


def image(name: str, digit: str) -> str:
    return f"registry.example/{name}@sha256:{digit * 64}"


def test_with_a_release_no_container_of_a_service_runs_anything_else(
    kubectl: Path, tmp_path: Path
) -> None:
    found = manifests(kubectl, "registry.example/edge:7", released(tmp_path, "a"))
    assert [each["image"] for each in all_containers(found.deployment("web"))] == [
        image("web", "a"),
        image("web", "a"),
        image("edge", "a"),
    ]
    other = manifests(kubectl, "registry.example/edge:7", released(tmp_path, "b"))
    ids = {each.fingerprint("web", "web:1", {}) for each in (found, other)}
    assert len(ids) == 2, "another image beside its own is another revision"


def test_what_a_release_lacks_is_refused_before_anything_is_asked_of_the_cluster(
    kubectl: Path, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        manifests(kubectl, "registry.example/side:7", released(tmp_path, "a"))
    said = "container side of Deployment/web runs registry.example/side:7"
    assert refusal.value.why == f"{said}; the release has db, edge, web"


def test_without_a_release_the_manifests_say_what_runs_beside_a_service(kubectl: Path) -> None:
    found = manifests(kubectl, "registry.example/side:7", {})
    assert [each["image"] for each in all_containers(found.deployment("web"))] == [
        "web:local",
        "web:local",
        "registry.example/side:7",
    ]
