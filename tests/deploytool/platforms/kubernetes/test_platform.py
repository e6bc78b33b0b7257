"""What the platform puts together from its parts."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deploytool.platforms.base import Role
from deploytool.platforms.kubernetes.inspection import Inspection
from deploytool.platforms.kubernetes.manifests import Manifests, parse
from deploytool.platforms.kubernetes.objects import COMPONENT, REVISION, ROLE, Object
from deploytool.platforms.kubernetes.parts import Parts
from deploytool.platforms.kubernetes.platform import KubernetesPlatform
from deploytool.platforms.kubernetes.prometheus import ByPrometheus
from deploytool.platforms.kubernetes.replies import Reply
from deploytool.system.declaration import System
from deploytool.system.targets import KubernetesTarget
from tests.deploytool.platforms.kubernetes.memory import Memory

SYSTEM = System.model_validate(
    {
        "system": "example",
        "components": {
            "db": {"kind": "postgresql", "database": "d", "migrations": "m", "roles": ["r"]},
            "edge": {"kind": "gateway"},
            "web": {"kind": "service", "route": "/w", "environment": {"DB": "${db.port}"}},
            "shop": {"kind": "service", "route": "/s"},
        },
    }
)
WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec: {template: {spec: {containers: [{name: NAME, image: a, ports: [{containerPort: 8080}]}]}}}
---
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: NAME}
spec: {ports: [{port: PORT}]}
---
"""


def manifests(database_port: int) -> Manifests:
    text = "".join(WORKLOAD.replace("NAME", name) for name in SYSTEM.services)
    for name, port in (("db", database_port), ("edge", 80)):
        text += SERVICE.replace("NAME", name).replace("PORT", str(port))
    return Manifests(parse(text), Path("deploy"), SYSTEM.services, "shop")


class Pods(Memory):
    """Answers as a pod that says where it was asked."""

    def proxied(self, pod: str, port: int, path: str, timeout_s: float) -> Reply:
        assert timeout_s > 0
        return Reply(200, f"{pod}:{port}{path}".encode())


def opened(database_port: int = 5432) -> tuple[KubernetesPlatform, Memory]:
    cluster = Pods()
    parts = SimpleNamespace(
        cluster=cluster,
        inspection=Inspection(cluster, lambda text: text),
        releases=None,
        manifests=manifests(database_port),
    )
    return KubernetesPlatform(SYSTEM, cast("Any", parts)), cluster


def pod(name: str, port: int) -> Object:
    labels = {COMPONENT: "web", ROLE: "stable", REVISION: "abc"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [{"name": "web", "ports": [{"containerPort": port}]}]},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }


def test_down_removes_what_killed_operations_left_and_waits_for_its_own_pods_alone() -> None:
    cluster, done = Memory(), []
    mail = pod("mail-0", 25)
    mail["metadata"]["labels"] = {COMPONENT: "mail"}
    cluster.create(mail)
    parts = SimpleNamespace(
        cluster=cluster,
        inspection=Inspection(cluster, lambda text: text),
        releases=None,
        manifests=None,
        jobs=SimpleNamespace(remove=lambda: done.append("jobs")),
        foundation=SimpleNamespace(remove=lambda _: done.append("foundation")),
        remains=SimpleNamespace(remove=lambda _: done.append("remains")),
    )
    platform = KubernetesPlatform(SYSTEM, cast("Any", parts))
    platform.down(remove_volumes=False, deadline_s=-1)
    assert done == ["jobs", "foundation"]


def test_a_revision_is_another_when_what_its_references_mean_changes(tmp_path: Path) -> None:
    artifact = tmp_path / "image.json"
    artifact.write_text('{"registries": [{"tags": [{"name": "web:0123"}]}]}')
    before, after = opened(5432)[0], opened(6432)[0]
    assert before.fingerprint("web", artifact) != after.fingerprint("web", artifact)
    assert before.fingerprint("shop", artifact) == after.fingerprint("shop", artifact)


def test_each_pod_is_asked_at_its_own_port_whatever_the_manifests_say_now() -> None:
    platform, cluster = opened()
    template = {"metadata": {"labels": {REVISION: "abc"}}}
    cluster.create(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web"},
            "spec": {"template": template},
        }
    )
    for name, port in (("web-1", 7070), ("web-2", 7071)):
        cluster.create(pod(name, port))
    asked = [each.body for each in platform.request_each("web", Role.STABLE, "/version")]
    assert asked == [b"web-1:7070/version", b"web-2:7071/version"]
    assert platform.request("web", Role.STABLE, "/").body == b"web-1:7070/"


@pytest.mark.parametrize("sharing", ["routes", "replicas"])
def test_one_client_of_prometheus_is_made_and_closed_at_the_end(
    sharing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    class Source(ByPrometheus):
        def __init__(self, *_: object) -> None:
            done.append("made")

        def close(self) -> None:
            done.append("closed")

    monkeypatch.setattr("deploytool.platforms.kubernetes.parts.ByPrometheus", Source)
    target = KubernetesTarget.model_validate(
        {
            "platform": "kubernetes",
            "manifests": "kubernetes",
            "namespace": "shop",
            "registry": "registry.example",
            "migrations": {"expand": "expand", "contract": "contract"},
            "sharing": sharing,
            "metrics_port": 9100,
            "prometheus": {"url": "http://prometheus.example", "selector": 'namespace="shop"'},
            "state": "state",
        }
    )
    parts = Parts(
        target=target,
        system=SYSTEM,
        root=tmp_path,
        deploy=tmp_path,
        artifacts={},
        on_secret=lambda _: None,
        on_wait=lambda _: None,
    )
    KubernetesPlatform(SYSTEM, parts).close()
    assert done == ["made", "closed"]
