"""How a workload is, told from its status and its pods, in the cluster's own words."""

from datetime import UTC, datetime
from typing import Any

import pytest

from deploytool.platforms.base import Condition
from deploytool.platforms.kubernetes.objects import REVISION, Object
from deploytool.platforms.kubernetes.pods import (
    Health,
    is_placed,
    is_unstarted,
    judge,
    judge_pod,
    serves,
)

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()
WAITING, READY, FAILED = Condition.WAITING, Condition.READY, Condition.FAILED


def ago(seconds: float) -> str:
    """Return a time before now as the API server writes it."""
    return datetime.fromtimestamp(NOW - seconds, UTC).isoformat().replace("+00:00", "Z")


def running(name: str = "web", seconds: float = 60, **more: Any) -> Object:
    """Return the status of a container that runs."""
    return {"name": name, "restartCount": 0, "state": {"running": {"startedAt": ago(seconds)}}} | {
        "started": True,
        **more,
    }


def waiting(reason: str, message: str = "", name: str = "web", **more: Any) -> Object:
    """Return the status of a container that waits."""
    state = {"waiting": {"reason": reason, "message": message}}
    return {"name": name, "restartCount": 0, "started": False, "state": state, **more}


def ended(code: int, reason: str = "Error") -> Object:
    """Return how a container ended."""
    return {"terminated": {"exitCode": code, "reason": reason}}


def pod(
    name: str = "web-1",
    *containers: Object,
    is_ready: bool = False,
    revision: str = "abc",
    is_leaving: bool = False,
    **status: Any,
) -> Object:
    """Return a pod of the revision; without containers, one that no node has yet."""
    meta: Object = {"name": name, "labels": {REVISION: revision}}
    if is_leaving:
        meta["deletionTimestamp"] = ago(1)
    conditions = [{"type": "Ready", "status": str(is_ready)}]
    told = {"phase": "Running", "conditions": conditions, "containerStatuses": list(containers)}
    return {"metadata": meta, "status": {**told, **status}}


def ready(name: str = "web-1", **more: Any) -> Object:
    return pod(name, running(), is_ready=True, **more)


def unplaced(message: str = "0/3 nodes are available") -> Object:
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": message,
    }
    return pod("web-1", phase="Pending", conditions=[condition])


def workload(kind: str = "Deployment", wanted: int = 2, **status: Any) -> Object:
    """Return a workload whose pods are all there and ready, but for what its status says."""
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    settled = {"observedGeneration": 3, **dict.fromkeys(counts, wanted)}
    template = {"metadata": {"labels": {REVISION: "abc"}}}
    return {
        "kind": kind,
        "metadata": {"name": "web", "generation": 3},
        "spec": {"replicas": wanted, "template": template},
        "status": {k: v for k, v in {**settled, **status}.items() if v is not None},
    }


def condition(kind: str, status: str, reason: str, message: str) -> list[Object]:
    return [{"type": kind, "status": status, "reason": reason, "message": message}]


def judged(workload: Object, *pods: Object) -> Health:
    return judge(workload, pods, lambda _: 0.0)


def test_a_workload_is_ready_when_all_its_pods_are() -> None:
    health = judged(workload(), ready("web-1"), ready("web-2"))
    assert health == Health(READY, since=NOW - 60)


def test_a_pod_that_is_about_to_end_gets_no_new_requests() -> None:
    assert serves(ready())
    assert not serves(ready(is_leaving=True))
    assert not serves(pod("web-1", running()))


def test_a_workload_without_replicas_needs_no_pod() -> None:
    assert judged(workload(wanted=0)).condition is READY


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        (waiting("ContainerCreating"), "pod web-1: ContainerCreating"),
        (waiting("PodInitializing"), "pod web-1: PodInitializing"),
        (waiting("ErrImagePull", "not found"), "pod web-1: ErrImagePull: not found"),
        (
            running(started=False),
            "pod web-1 is not ready: its startup probe has not succeeded yet",
        ),
        (running(), "pod web-1 is not ready: its readiness probe fails"),
        (
            running(lastState=ended(1), restartCount=1),
            "pod web-1 is not ready: web ended with exit status 1",
        ),
        (
            running(lastState=ended(137, "OOMKilled"), restartCount=2),
            "pod web-1 is not ready: web ended with exit status 137 (OOMKilled), restarted 2 times",
        ),
    ],
)
def test_what_may_still_come_is_waited_for(container: Object, reason: str) -> None:
    health = judge_pod(pod("web-1", container))
    assert (health.condition, health.reason) == (WAITING, reason)


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("ImagePullBackOff", 'Back-off pulling image "web:2": not found'),
        ("InvalidImageName", 'couldn\'t parse image name "web:"'),
        ("ErrImageNeverPull", 'image "web:2" is not present with pull policy of Never'),
        ("CreateContainerConfigError", 'secret "database" not found'),
        ("CreateContainerError", "no command specified"),
        ("RunContainerError", "exec: no such file"),
    ],
)
def test_what_needs_help_fails_with_the_words_of_the_cluster(reason: str, message: str) -> None:
    health = judge_pod(pod("web-1", waiting(reason, message)))
    assert (health.condition, health.reason) == (FAILED, f"pod web-1: {reason}: {message}")


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("CreateContainerConfigError", "failed to sync configmap cache: timed out waiting"),
        ("CreateContainerConfigError", "failed to sync secret cache: timed out waiting"),
        ("CreateContainerError", "context deadline exceeded"),
        ("CreateContainerError", 'failed to reserve container name "web": is reserved for "7f3"'),
        ("RunContainerError", "context deadline exceeded"),
    ],
)
def test_a_node_that_was_too_slow_tries_again_and_is_waited_for(reason: str, message: str) -> None:
    health = judge_pod(pod("web-1", waiting(reason, message)))
    assert (health.condition, health.reason) == (WAITING, f"pod web-1: {reason}: {message}")


@pytest.mark.parametrize(
    "message",
    [
        'Operation cannot be fulfilled on resourcequotas "few": the object has been modified',
        'Internal error occurred: failed calling webhook "check.example": connection refused',
        "request timed out",
    ],
)
def test_a_pod_that_was_refused_for_the_moment_alone_is_waited_for(message: str) -> None:
    refused = condition("ReplicaFailure", "True", "FailedCreate", message)
    health = judged(workload(conditions=refused, replicas=1, availableReplicas=1), ready())
    assert (health.condition, health.reason, health.lacks_room) == (
        WAITING,
        f"its pods are refused: {message}",
        False,
    )


def test_a_crash_loop_fails_with_how_it_ended_instead_of_how_long_the_kubelet_waits() -> None:
    message = "back-off 5m0s restarting failed container=web pod=web-1_shop(7)"
    container = waiting("CrashLoopBackOff", message, lastState=ended(3), restartCount=4)
    health = judge_pod(pod("web-1", container))
    assert health.condition is FAILED
    assert health.reason == (
        "pod web-1: CrashLoopBackOff; web ended with exit status 3, restarted 4 times"
    )
    assert (health.restarts, health.died) == (4, ("web-1", "web"))


def test_a_container_that_runs_before_the_others_is_judged_like_them() -> None:
    first = waiting("CrashLoopBackOff", name="prepare", lastState=ended(1), restartCount=2)
    others = waiting("PodInitializing")
    health = judge_pod(pod("web-1", others, initContainerStatuses=[first]))
    assert (health.condition, health.restarts) == (FAILED, 2)
    assert "prepare ended with exit status 1" in health.reason
    assert health.died == ("web-1", "prepare")


def test_a_container_that_has_done_its_work_has_not_died() -> None:
    done = {"name": "prepare", "restartCount": 0, "state": ended(0, "Completed")}
    well = pod("web-1", running(), is_ready=True, initContainerStatuses=[done])
    assert judge_pod(well) == Health(READY, since=NOW - 60)
    ill = judge_pod(pod("web-1", running(), initContainerStatuses=[done]))
    assert ill.reason == "pod web-1 is not ready: its readiness probe fails"


@pytest.mark.parametrize(("seconds", "condition"), [(0, WAITING), (29, WAITING), (31, FAILED)])
def test_a_pod_without_a_node_fails_only_after_it_has_been_known_for_a_while(
    seconds: float, condition: Condition
) -> None:
    health = judge_pod(unplaced("0/3 nodes are available: 3 Insufficient cpu."), seconds)
    assert health.condition is condition
    assert health.reason == (
        "no node takes pod web-1: 0/3 nodes are available: 3 Insufficient cpu."
    )


def test_the_times_that_the_cluster_writes_are_not_compared_with_any_clock() -> None:
    item = unplaced()
    for time in (ago(3600), ago(-3600)):
        item["status"]["conditions"][0]["lastTransitionTime"] = time
        assert judged(workload(wanted=1), item).condition is WAITING
    assert judge(workload(wanted=1), [item], lambda _: 31.0).condition is FAILED


def test_a_pod_that_has_got_its_node_is_no_longer_held_up_by_it() -> None:
    placed = [{"type": "PodScheduled", "status": "True", "lastTransitionTime": ago(60)}]
    health = judge_pod(pod("web-1", waiting("ContainerCreating"), conditions=placed))
    assert health.condition is WAITING


def test_a_pod_that_the_scheduler_has_not_looked_at_says_so_little() -> None:
    health = judge_pod({"metadata": {"name": "web-1"}})
    assert (health.condition, health.reason) == (
        WAITING,
        "pod web-1 is not ready: it says no reason",
    )


def test_a_pod_that_has_ended_as_failed_is_not_waited_for() -> None:
    gone = pod("web-1", phase="Failed", message="Pod was rejected: Node didn't have enough cpu")
    health = judge_pod(gone)
    assert health.condition is FAILED
    assert "Node didn't have enough cpu" in health.reason


def test_a_failed_pod_is_told_before_one_that_waits_and_that_before_ready_ones() -> None:
    pods = [
        ready("web-1"),
        pod("web-2", running()),
        pod("web-3", waiting("ImagePullBackOff", "not found")),
    ]
    health = judged(workload(wanted=3), *pods)
    assert (health.condition, health.reason) == (
        FAILED,
        "pod web-3: ImagePullBackOff: not found",
    )
    health = judged(workload(), *pods[:2])
    assert (health.condition, health.reason) == (
        WAITING,
        "pod web-2 is not ready: its readiness probe fails",
    )


def test_pods_that_a_quota_refuses_fail_with_its_words() -> None:
    message = 'pods "web-7" is forbidden: exceeded quota: small, requested: pods=1'
    refused = condition("ReplicaFailure", "True", "FailedCreate", message)
    health = judged(workload(conditions=refused, availableReplicas=None))
    assert (health.condition, health.reason) == (FAILED, f"its pods are refused: {message}")


def test_a_quota_that_refuses_nothing_any_more_is_no_failure() -> None:
    refused = condition("ReplicaFailure", "False", "FailedCreate", "exceeded quota")
    health = judged(workload(conditions=refused), ready("web-1"), ready("web-2"))
    assert health.condition is READY


def test_a_rollout_that_takes_longer_than_it_allows_may_still_come_to_its_end() -> None:
    message = 'ReplicaSet "web-7" has timed out progressing.'
    late = condition("Progressing", "False", "ProgressDeadlineExceeded", message)
    health = judged(workload(conditions=late), ready("web-1"), pod("web-2", running()))
    assert health.condition is WAITING
    assert health.reason.startswith(message)
    assert judged(workload(conditions=late), ready("web-1"), ready("web-2")).condition is READY


def test_a_cause_in_a_pod_says_more_than_that_the_rollout_took_too_long() -> None:
    late = condition("Progressing", "False", "ProgressDeadlineExceeded", "timed out")
    broken = pod("web-1", waiting("ImagePullBackOff", "not found"))
    assert judged(workload(conditions=late), broken).reason.endswith("not found")


@pytest.mark.parametrize(
    "conditions",
    [
        condition("Progressing", "False", "ProgressDeadlineExceeded", "timed out"),
        condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota"),
    ],
)
def test_what_was_said_of_the_state_before_a_change_is_not_held_against_it(
    conditions: list[Object],
) -> None:
    health = judged(workload(observedGeneration=2, conditions=conditions))
    assert health.condition is WAITING


@pytest.mark.parametrize(
    ("status", "pods", "reason"),
    [
        ({"observedGeneration": 2}, 2, "the change is not taken up yet"),
        ({"availableReplicas": None, "readyReplicas": None}, 0, "0 of 2 pods are made"),
        ({"availableReplicas": 1}, 1, "1 of 2 pods are made"),
    ],
)
def test_a_workload_whose_pods_are_well_waits_for_what_it_lacks(
    status: dict[str, Any], pods: int, reason: str
) -> None:
    health = judged(workload(**status), *[ready(f"web-{n}") for n in range(pods)])
    assert (health.condition, health.reason) == (WAITING, reason)


@pytest.mark.parametrize(("available", "told"), [(1, "1"), (None, "0")])  # it leaves out a zero
def test_a_workload_serves_before_its_pods_have_been_ready_for_long_enough(
    available: int | None, told: str
) -> None:
    health = judged(workload(availableReplicas=available), ready("web-1"), ready("web-2"))
    assert health.condition is Condition.SERVING
    assert health.reason == f"{told} of 2 pods have been ready for long enough"


def test_a_workload_that_waits_for_pods_of_before_does_not_serve_yet() -> None:
    pods = [ready("web-1"), ready("web-2"), ready("web-0", revision="old", is_leaving=True)]
    assert judged(workload(availableReplicas=1), *pods).condition is WAITING


def test_a_rollout_half_way_waits_for_pods_of_its_own_revision() -> None:
    pods = [ready("web-1"), ready("web-2", revision="old"), ready("web-3", revision="old")]
    health = judged(workload(updatedReplicas=1, replicas=3), *pods)
    assert (health.condition, health.reason) == (WAITING, "1 of 2 pods are made")


def test_a_rollout_of_something_without_revisions_is_not_ready_half_way() -> None:
    pods = [ready(f"gateway-{n}") for n in range(3)]
    gateway = workload(updatedReplicas=1, replicas=3, readyReplicas=3, availableReplicas=3)
    for each in (gateway["spec"]["template"], *pods):
        del each["metadata"]["labels"]
    health = judged(gateway, *pods)
    assert (health.condition, health.reason) == (
        WAITING,
        "the change has not reached every pod yet",
    )


def test_a_daemon_set_is_ready_when_every_node_has_its_pod() -> None:
    daemons = workload("DaemonSet")
    del daemons["spec"]["replicas"]
    daemons["status"] = {
        "observedGeneration": 3,
        "desiredNumberScheduled": 2,
        "currentNumberScheduled": 2,
        "updatedNumberScheduled": 2,
        "numberReady": 2,
        "numberAvailable": 2,
        "numberMisscheduled": 0,
    }
    assert judged(daemons, ready("web-1"), ready("web-2")).condition is READY
    daemons["status"]["updatedNumberScheduled"] = 1
    assert judged(daemons, ready("web-1"), ready("web-2")).condition is WAITING
    daemons["status"] |= {"updatedNumberScheduled": 2, "desiredNumberScheduled": 3}
    assert judged(daemons, ready("web-1"), ready("web-2")).condition is WAITING


def test_a_stateful_set_between_two_revisions_is_waited_for() -> None:
    pods = [ready("store-0"), ready("store-1")]
    between = workload("StatefulSet", currentRevision="store-1", updateRevision="store-2")
    health = judged(between, *pods)
    assert (health.condition, health.reason) == (
        WAITING,
        "the change has not reached every pod yet",
    )
    there = workload("StatefulSet", currentRevision="store-2", updateRevision="store-2")
    assert judged(there, *pods).condition is READY


def test_pods_that_still_end_keep_a_workload_from_ready() -> None:
    pods = [ready("web-1"), ready("web-2")]
    one = ready("web-0", revision="old", is_leaving=True)
    health = judged(workload(), *pods, one)
    assert (health.condition, health.reason) == (WAITING, "1 pod of before still ends")
    two = ready("web-9", is_leaving=True)
    assert judged(workload(), *pods, one, two).reason == "2 pods of before still end"


def test_a_pod_of_an_earlier_revision_is_not_to_blame() -> None:
    broken = pod("web-0", waiting("CrashLoopBackOff"), revision="old")
    leaving = pod("web-9", waiting("CrashLoopBackOff"), is_leaving=True)
    health = judged(workload(wanted=1), ready("web-1"), broken, leaving)
    assert health.condition is WAITING
    assert "CrashLoopBackOff" not in health.reason


def test_restarts_are_summed_over_containers_and_pods_and_the_youngest_start_is_told() -> None:
    pods = [
        pod("web-1", running(restartCount=1), running("side", restartCount=2), is_ready=True),
        pod("web-2", running(restartCount=4, seconds=9), is_ready=True),
        pod("web-0", running(restartCount=50, seconds=1), revision="old", is_leaving=True),
    ]
    health = judged(workload(), *pods)
    assert (health.restarts, health.since) == (7, NOW - 9)


def test_a_pod_that_never_ran_has_no_start() -> None:
    assert judged(workload(wanted=1), pod("web-1", waiting("ErrImagePull"))).since is None


def test_the_pod_is_named_whose_log_holds_the_cause() -> None:
    pods = [
        ready("web-1"),
        pod("web-2", running(lastState=ended(1), restartCount=1)),
        pod("web-3", waiting("CrashLoopBackOff", lastState=ended(2), restartCount=3)),
    ]
    health = judged(workload(wanted=3), *pods)
    assert health.died == ("web-3", "web")
    assert "web-3" in health.reason
    assert judged(workload(), *pods[:2]).died == ("web-2", "web")
    assert judged(workload(), ready("web-1"), unplaced()).died is None


def test_only_who_lacks_room_lacks_nothing_else() -> None:
    message = 'pods "web-7" is forbidden: exceeded quota: small'
    refused = condition("ReplicaFailure", "True", "FailedCreate", message)
    small = workload(conditions=refused, availableReplicas=1)

    def late(_: Object) -> float:
        return 31.0

    assert judged(small, ready("web-1")).lacks_room
    assert judge(workload(), [ready("web-1"), unplaced()], late).lacks_room
    broken = pod("web-2", waiting("CrashLoopBackOff"))
    for health in (
        judged(small, broken),
        judge(workload(), [unplaced(), broken], late),
        judged(workload(), ready("web-1"), unplaced()),  # one may come yet
    ):
        assert not health.lacks_room


def test_a_pod_has_a_place_while_its_node_keeps_it() -> None:
    placed = {**ready(), "spec": {"nodeName": "one"}}
    assert is_placed(placed)
    assert not is_placed(unplaced())
    assert not is_placed({**ready(is_leaving=True), "spec": {"nodeName": "one"}})


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (unplaced(), True),
        (pod("web-1", waiting("ImagePullBackOff")), True),
        (pod("web-1", running(started=False)), True),
        (pod("web-1", running()), False),
        (pod("web-1", waiting("CrashLoopBackOff", lastState=ended(1))), False),
        (pod("web-1", {"name": "web", "started": False, "state": ended(1)}), False),
    ],
)
def test_a_pod_is_unstarted_until_a_container_runs_or_has_ended(
    item: Object, expected: bool
) -> None:
    assert is_unstarted(item) is expected


def test_a_pod_that_fails_its_probe_alone_waits_for_what_events_tell() -> None:
    assert judge_pod(pod("web-1", running())).unexplained == "web-1"
    for container in (running(started=False), running(lastState=ended(1), restartCount=1)):
        assert judge_pod(pod("web-1", container)).unexplained is None
