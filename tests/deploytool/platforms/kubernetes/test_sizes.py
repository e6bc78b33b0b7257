"""How many pods stable is to have, once the manifests say another number; on objects in memory."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deploytool.canary.machine import Canary
from deploytool.platforms.base import Role
from deploytool.platforms.kubernetes.inspection import Inspection
from deploytool.platforms.kubernetes.manifests import Manifests
from deploytool.platforms.kubernetes.objects import Key, Object, with_marks
from deploytool.platforms.kubernetes.platform import KubernetesPlatform
from deploytool.platforms.kubernetes.releases import ClusterReleases
from deploytool.platforms.kubernetes.replies import Conflict
from deploytool.platforms.kubernetes.workloads import Kept, deployment, ours
from deploytool.record.store import TargetState
from deploytool.system.declaration import System
from deploytool.system.revision import revision_of
from tests.deploytool.platforms.kubernetes.memory import Memory

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
WEB, NEXT = (revision_of("web", each, {}) for each in ("1f", "2e"))
RUNNING = Key("apps/v1", "Deployment", "shop", "web")
AUTOSCALER: Object = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "web"},
    "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}},
}


def manifest(replicas: int) -> Object:
    container = {"name": "web", "image": "web:1", "ports": [{"containerPort": 8080}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": [container]}}},
    }


def running(cluster: Memory) -> None:
    """Let two pods of a revision run, as the manifests said when it was installed."""
    releases = ClusterReleases(cluster)
    releases.install(WEB, Kept(image="web@sha256:1f", deployment=manifest(2)))
    running = deployment(
        manifest(2), "web", Role.STABLE, WEB.id, image="released/web@sha256:2f", replicas=2
    )
    cluster.apply(ours(running))


def opened(cluster: Memory, *items: Object, state: TargetState | None = None) -> KubernetesPlatform:
    """Return a platform whose manifests say the items by now."""
    nothing = SimpleNamespace(start=lambda *_: (), changes=lambda _: {}, drift=lambda _: {})
    parts = SimpleNamespace(
        cluster=cluster,
        inspection=Inspection(cluster, lambda text: text),
        releases=ClusterReleases(cluster),
        manifests=Manifests(items, Path("deploy"), SYSTEM.services, "shop"),
        foundation=nothing,
        store=SimpleNamespace(load=lambda: state or TargetState()),
    )
    return KubernetesPlatform(SYSTEM, cast("Any", parts))


def test_another_number_of_pods_is_planned_and_applied_to_the_revision_that_runs() -> None:
    cluster = Memory()
    running(cluster)
    before = cluster.get(RUNNING)
    platform = opened(cluster, manifest(5))
    assert platform.foundation_changes() == {"Deployment/web": "spec.replicas: 2 -> 5"}
    assert platform.drift() == {}
    assert cluster.get(RUNNING) == before
    assert platform.start_foundation(0) == ["Deployment/web"]
    after = cluster.objects[RUNNING]
    assert before is not None
    assert after["spec"] == {**before["spec"], "replicas": 5}
    assert platform.foundation_changes() == {}


def test_a_number_that_somebody_else_has_set_is_told_with_its_owner_and_never_taken() -> None:
    class Scaled(Memory):
        def apply(self, item: Object, *, is_dry_run: bool = False) -> Object:
            if RUNNING in self.objects and item["kind"] == "Deployment":
                raise Conflict("Deployment/web has another owner", why='"kubectl": .spec.replicas')
            return super().apply(item, is_dry_run=is_dry_run)

    cluster = Scaled()
    running(cluster)
    platform = opened(cluster, manifest(3))
    told = {"Deployment/web": 'was changed by another owner: "kubectl": .spec.replicas'}
    assert platform.foundation_changes() == platform.drift() == told
    with pytest.raises(Conflict):
        platform.start_foundation(0)


@pytest.mark.parametrize("whose", ["the manifests'", "the cluster's"])
def test_what_an_autoscaler_has_set_is_right_as_it_is(whose: str) -> None:
    cluster = Memory()
    running(cluster)
    if whose == "the cluster's":
        cluster.apply(AUTOSCALER)
        platform = opened(cluster, manifest(5))
    else:
        platform = opened(cluster, manifest(5), AUTOSCALER)
    assert platform.foundation_changes() == {}


def test_stable_keeps_its_pods_while_it_is_replaced() -> None:
    cluster = Memory()
    running(cluster)
    canary = Canary(run="r", component="web", stable=WEB, canary=NEXT, steps=(), reason="", since=0)
    platform = opened(cluster, manifest(5), state=TargetState(canary=canary))
    assert platform.foundation_changes() == {}
    assert platform.start_foundation(0) == []
    assert cluster.objects[RUNNING]["spec"]["replicas"] == 2


def test_a_deployment_that_is_of_no_revision_or_is_not_there_is_left_to_its_start() -> None:
    cluster = Memory()
    assert opened(cluster, manifest(5)).foundation_changes() == {}
    cluster.apply(with_marks(manifest(2), {"by": "kubectl"}))
    assert opened(cluster, manifest(5)).foundation_changes() == {}
