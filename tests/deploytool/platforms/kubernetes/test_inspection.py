"""What is looked at in a namespace that others use as well, on objects in memory."""

import time

import pytest

from deploytool.errors import NotReady
from deploytool.platforms.base import Condition, Role
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


def event(kind: str, name: str, reason: str, at: str, **more: object) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{name}.{reason}.{at}"},
        "involvedObject": {"kind": kind, "name": name},
        "type": "Warning",
        "reason": reason,
        "message": f"what {reason} means",
        "lastTimestamp": f"2026-11-27T{at}Z",
        **more,
    }


WORKLOAD: Object = {
    "kind": "StatefulSet",
    "metadata": {"name": "db", "generation": 1},
    "spec": {"replicas": 1, "template": {"metadata": {"labels": {REVISION: "abc"}}}},
}
CREATING = {"name": "db", "state": {"waiting": {"reason": "ContainerCreating"}}}


def test_what_a_pods_own_status_does_not_tell_is_told_by_the_newest_warning() -> None:
    waits = pod("db-0", "db", containerStatuses=[CREATING])
    found = inspection(
        event("Pod", "db-0", "FailedMount", "12:00:02"),
        event("Pod", "db-0", "Earlier", "12:00:01"),
        event("Pod", "db-0", "Scheduled", "12:00:03", type="Normal"),
        event("Pod", "db-1", "OfAnother", "12:00:04"),
    )
    reason = found.health(WORKLOAD, [waits]).reason
    assert reason == "pod db-0: ContainerCreating; FailedMount: what FailedMount means"


def test_a_pod_without_a_node_is_told_with_what_became_of_its_claim() -> None:
    unplaced = {"type": "PodScheduled", "reason": "Unschedulable", "message": "unbound claims"}
    waits = pod("db-0", "db", phase="Pending", conditions=[unplaced])
    waits["spec"] = {"volumes": [{"persistentVolumeClaim": {"claimName": "data-db-0"}}]}
    found = inspection(
        event("PersistentVolumeClaim", "data-db-0", "ProvisioningFailed", "12:00:02"),
        event("Pod", "db-0", "FailedScheduling", "12:00:01"),
    )
    reason = found.health(WORKLOAD, [waits]).reason
    assert reason.startswith("no node takes pod db-0: unbound claims; ProvisioningFailed: ")


def test_one_pod_that_stopped_answering_makes_its_instance_wait_with_the_probes_words() -> None:
    running = {"name": "web", "started": True, "state": {"running": {}}}
    pods = [
        pod(
            f"web-{n}",
            "web",
            phase="Running",
            conditions=[{"type": "Ready", "status": is_ready}],
            containerStatuses=[running],
        )
        for n, is_ready in enumerate(("True", "False"))
    ]
    timeout = "Readiness probe failed: context deadline exceeded"
    found = inspection(event("Pod", "web-1", "Unhealthy", "12:00:02", message=timeout))
    workload = {**WORKLOAD, "spec": {**WORKLOAD["spec"], "replicas": 2}}
    instance = found.instance("web", Role.CANARY, workload, pods)
    assert (instance.condition, instance.is_partly_serving) == (Condition.WAITING, True)
    assert instance.reason == (
        f"pod web-1 is not ready: its readiness probe fails; Unhealthy: {timeout}"
    )


RUNNING = {"name": "db", "started": True, "state": {"running": {}}}


@pytest.mark.parametrize(
    ("statuses", "is_unstarted"),
    [
        ([], True),  # evicted, and another pod is not made yet
        ([[]], True),
        ([[CREATING]], True),
        ([[{**RUNNING, "started": False}]], True),
        ([[RUNNING]], False),
        ([[RUNNING], [CREATING]], False),
    ],
)
def test_nothing_of_an_instance_is_started_while_none_of_its_pods_runs_or_has_ended(
    statuses: list[list[Object]], is_unstarted: bool
) -> None:
    pods = [
        pod(f"db-{n}", "db", phase="Pending", containerStatuses=each)
        for n, each in enumerate(statuses)
    ]
    gone = pod("db-9", "db", phase="Running", containerStatuses=[RUNNING])
    gone["metadata"]["deletionTimestamp"] = "2026-11-27T12:00:00Z"
    instance = inspection().instance("db", Role.CANARY, WORKLOAD, [*pods, gone])
    assert (instance.is_unstarted, instance.is_partly_serving) == (is_unstarted, False)


def test_a_pod_whose_status_says_why_it_waits_is_told_as_it_is() -> None:
    refused = {"name": "db", "state": {"waiting": {"reason": "ErrImagePull"}}}
    waits = pod("db-0", "db", containerStatuses=[refused])
    found = inspection(event("Pod", "db-0", "Failed", "12:00:02"))
    assert found.health(WORKLOAD, [waits]).reason == "pod db-0: ErrImagePull"


def test_a_workload_whose_pods_are_refused_is_told_with_why() -> None:
    found = inspection(event("StatefulSet", "db", "FailedCreate", "12:00:02"))
    workload = {**WORKLOAD, "status": {"observedGeneration": 1}}
    reason = found.health(workload, []).reason
    assert reason == "0 of 1 pods are made; FailedCreate: what FailedCreate means"
