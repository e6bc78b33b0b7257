"""What stands before any service is started, on objects in memory."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deploytool.errors import NotReady
from deploytool.platforms.kubernetes.foundation import Foundation
from deploytool.platforms.kubernetes.inspection import Inspection
from deploytool.platforms.kubernetes.manifests import Manifests
from deploytool.platforms.kubernetes.objects import COMPONENT, Object, key_of
from deploytool.platforms.kubernetes.releases import ClusterReleases
from deploytool.platforms.kubernetes.routes import KIND, VERSION
from deploytool.platforms.kubernetes.workloads import Kept
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
ROUTE: Object = {
    "apiVersion": VERSION,
    "kind": KIND,
    "metadata": {"name": "web"},
    "spec": {"parentRefs": [{"name": "edge"}], "rules": []},
}


def item(version: str, kind: str, name: str) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}}


POLICY = item("networking.k8s.io/v1", "NetworkPolicy", "default-deny")


def opened(cluster: Memory, **parts: Any) -> Foundation:
    """Return the foundation of a namespace without revisions, a database and shares."""
    found = {
        "images": SimpleNamespace(by_base=dict),
        "releases": SimpleNamespace(needs=lambda _: False),
        "database": SimpleNamespace(component="db", make_roles=lambda _: None),
        "sharing": SimpleNamespace(keep_share=lambda wanted, _: wanted),
        "begin_migrations": lambda: None,
        **parts,
    }
    return Foundation(SYSTEM, cluster, Inspection(cluster, lambda text: text), **found)


def manifests(*items: Object) -> Manifests:
    return Manifests(items, Path("deploy"), SYSTEM.services, "shop")


def test_a_route_that_no_gateway_takes_over_is_named_with_whose_log_may_tell_why() -> None:
    with pytest.raises(NotReady) as late:
        opened(Memory()).start(manifests(ROUTE), -1)
    assert late.value.why == "HTTPRoute/web: no gateway has taken it over yet"
    assert late.value.hint == "see `deploytool logs edge`"


def test_of_what_has_left_the_manifests_only_what_pods_of_revisions_name_is_kept() -> None:
    cluster = Memory()
    releases = ClusterReleases(cluster)
    pod = {
        "serviceAccountName": "web",
        "containers": [{"name": "web", "envFrom": [{"configMapRef": {"name": "web-7h2k"}}]}],
    }
    workload = {"metadata": {"name": "web"}, "spec": {"template": {"spec": pod}}}
    releases.install(revision_of("web", "1f", {}), Kept(image="web:1", deployment=workload))
    foundation = opened(cluster, releases=releases)
    foundation.start(
        manifests(
            item("v1", "ServiceAccount", "web"),
            item("v1", "ConfigMap", "web-7h2k"),
            item("v1", "ConfigMap", "web-old"),
            item("networking.k8s.io/v1", "NetworkPolicy", "web"),
            item("autoscaling/v2", "HorizontalPodAutoscaler", "web"),
        ),
        0,
    )
    assert foundation.changes(manifests()) == dict.fromkeys(
        ["ConfigMap/web-old", "NetworkPolicy/web", "HorizontalPodAutoscaler/web"],
        "no longer in the manifests",
    )


def test_what_somebody_has_deleted_is_drift_and_what_was_never_there_is_not() -> None:
    cluster = Memory()
    foundation = opened(cluster)
    before = manifests(POLICY, item("v1", "ConfigMap", "web-old"))
    assert foundation.drift(before) == {}
    foundation.start(before, 0)
    cluster.delete(key_of(POLICY, "shop"))
    after = manifests(POLICY, item("v1", "ConfigMap", "web-new"))
    assert foundation.drift(after) == {"NetworkPolicy/default-deny": "is not there"}
    assert set(foundation.changes(after)) == {
        "NetworkPolicy/default-deny", "ConfigMap/web-new", "ConfigMap/web-old",
    }  # fmt: skip


DATABASE: Object = {
    "apiVersion": "apps/v1",
    "kind": "StatefulSet",
    "metadata": {"name": "db", "labels": {COMPONENT: "db"}},
    "spec": {"replicas": 1, "template": {"spec": {"containers": []}}},
}
DATA: Object = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data-db-0", "labels": {COMPONENT: "db"}},
}


@pytest.mark.parametrize(
    ("there", "begun"),
    [
        ([], ["migrations", "services"]),
        ([DATA], ["services"]),
        ([DATA, DATABASE], ["services"]),
    ],
)
def test_before_the_waiting_begins_what_waits_by_itself_and_migrations_where_there_is_no_data(
    there: list[Object], begun: list[str]
) -> None:
    cluster = Memory()
    for each in there:
        cluster.create(each)
    seen: list[str] = []
    foundation = opened(cluster, begin_migrations=lambda: seen.append("migrations"))
    with pytest.raises(NotReady):
        foundation.start(manifests(DATABASE, POLICY), -1, lambda: seen.append("services"))
    assert seen == begun


def test_of_what_was_taken_down_nothing_is_missing() -> None:
    cluster = Memory()
    foundation = opened(cluster)
    foundation.start(manifests(POLICY), 0)
    foundation.remove(manifests(POLICY))
    assert cluster.objects == {}
    assert foundation.drift(manifests(POLICY)) == {}
