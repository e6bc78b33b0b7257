"""Revisions as they run, and run again, on objects in memory."""

from collections.abc import Mapping

import pytest

from deploytool.errors import NotReady
from deploytool.platforms.base import Role
from deploytool.platforms.kubernetes.inspection import Inspection
from deploytool.platforms.kubernetes.objects import Key, Object, port_of
from deploytool.platforms.kubernetes.releases import ClusterReleases
from deploytool.platforms.kubernetes.revisions import Revisions
from deploytool.platforms.kubernetes.sharing import Pods
from deploytool.platforms.kubernetes.workloads import Kept, settings_name
from deploytool.system.revision import revision_of
from tests.deploytool.platforms.kubernetes.memory import Memory

WEB = revision_of("web", "1f", {"LISTEN": "${self.port}", "DB": "${db.port}"})


def kept(port: int) -> Kept:
    container = {"name": "web", "image": "web:1", "ports": [{"containerPort": port}]}
    template = {"spec": {"containers": [container]}}
    return Kept(
        image="web@sha256:1f",
        deployment={"metadata": {"name": "web"}, "spec": {"replicas": 2, "template": template}},
    )


def opened() -> tuple[Revisions, Memory, ClusterReleases]:
    cluster = Memory()
    releases = ClusterReleases(cluster)
    return Revisions(cluster, Inspection(cluster, lambda t: t), releases), cluster, releases


def started(
    revisions: Revisions, known: Mapping[str, str], role: Role = Role.STABLE, replicas: int = 2
) -> None:
    revisions.start(WEB, role, known=known, replicas=replicas, is_scaled_elsewhere=False)


def settings(cluster: Memory) -> Object:
    return cluster.objects[Key("v1", "ConfigMap", "shop", settings_name("web", WEB.id))]


def test_a_revision_that_is_started_again_keeps_its_settings() -> None:
    revisions, cluster, releases = opened()
    releases.install(WEB, kept(8080))
    started(revisions, {"db.port": "5432"})
    first = settings(cluster)
    assert first["data"] == {"LISTEN": "8080", "DB": "5432"}
    started(revisions, {"db.port": "6432"})
    started(revisions, {"db.port": "6432"}, Role.CANARY)
    assert settings(cluster) == first


def test_a_revision_serves_on_the_port_that_it_was_installed_with() -> None:
    revisions, cluster, releases = opened()
    releases.install(WEB, kept(9090))
    started(revisions, {"db.port": "5432"})
    assert settings(cluster)["data"]["LISTEN"] == "9090"
    running = cluster.objects[Key("apps/v1", "Deployment", "shop", "web")]
    assert port_of(running["spec"]["template"]) == 9090


def test_a_revision_that_is_started_again_has_as_many_pods_as_the_manifests_say_now() -> None:
    revisions, cluster, releases = opened()
    releases.install(WEB, kept(8080))
    started(revisions, {"db.port": "5432"}, replicas=5)
    running = cluster.objects[Key("apps/v1", "Deployment", "shop", "web")]
    assert running["spec"]["replicas"] == 5


def test_a_canary_gets_the_pods_of_its_share_from_what_its_revision_was_installed_as() -> None:
    revisions, cluster, releases = opened()
    releases.install(WEB, kept(8080))
    for role in Role:
        started(revisions, {"db.port": "5432"}, role)
    with pytest.raises(NotReady, match="lacks pods for its share"):
        revisions.scale_canary("web", lambda stable, canary: Pods(stable + canary + 4, 1), -1)
    canary = cluster.objects[Key("apps/v1", "Deployment", "shop", "web-canary")]
    assert canary["spec"]["replicas"] == 2 + 1 + 4


def test_a_canary_that_somebody_deleted_gets_no_share() -> None:
    revisions, _, releases = opened()
    releases.install(WEB, kept(8080))
    started(revisions, {"db.port": "5432"})
    with pytest.raises(NotReady, match="the canary of web is gone") as gone:
        revisions.scale_canary("web", lambda *_: Pods(1, 1), 0)
    assert gone.value.why == "there is no Deployment/web-canary"
