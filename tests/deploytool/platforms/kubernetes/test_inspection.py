"""What is looked at in a namespace that others use as well, on objects in memory."""

import time

import pytest

from deploytool.errors import NotReady
from deploytool.platforms.base import Condition
from deploytool.platforms.kubernetes.inspection import Inspection
from deploytool.platforms.kubernetes.objects import COMPONENT, REVISION, Object
from tests.deploytool.platforms.kubernetes.memory import Memory


def pod(name: str, component: str, **status: object) -> Object:
    labels = {COMPONENT: component, REVISION: "abc"}
    meta = {"name": name, "uid": name, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "status": status}


def inspection(*pods: Object) -> Inspection:
    cluster = Memory()
    for each in pods:
        cluster.create(each)
    return Inspection(cluster, lambda text: text)


def test_pods_of_others_are_not_waited_for() -> None:
    found = inspection(pod("mail-0", "mail"), pod("migrations-x", "migrations"))
    found.await_gone(["web", "db"], time.monotonic() - 1)


def test_pods_of_each_component_are() -> None:
    found = inspection(pod("mail-0", "mail"), pod("db-0", "db"))
    with pytest.raises(NotReady) as late:
        found.await_gone(["web", "db"], time.monotonic() - 1)
    assert late.value.why == "db-0 still end"


def test_a_pod_without_a_node_is_given_up_by_how_long_this_process_has_known_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    unplaced = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    found = inspection()
    workload = {
        "kind": "Deployment",
        "metadata": {"generation": 1},
        "spec": {"replicas": 1, "template": {"metadata": {"labels": {REVISION: "abc"}}}},
    }
    old = {**unplaced, "lastTransitionTime": "2001-01-01T00:00:00Z"}
    pods = [pod("web-1", "web", phase="Pending", conditions=[old])]
    conditions = []
    for seconds in (0, 29, 2):
        now[0] += seconds
        conditions.append(found.health(workload, pods).condition)
    assert conditions == [Condition.WAITING, Condition.WAITING, Condition.FAILED]
