"""How a workload is, judged from its own status and its pods. Pure.

What cannot heal by waiting is told from what may: an image that is not there, a container that
ends again and again, a pod that no node has room for, a quota.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from deploytool.platforms.base import Condition
from deploytool.platforms.kubernetes.objects import Object, template_of

# Reasons of a waiting container that end by somebody's help alone. ErrImagePull is not among them:
# it is tried again at once, and becomes ImagePullBackOff when that fails, too.
_HOPELESS = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)
_SLOW_ALIKE = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
# Words of a node, or a control plane, that was only too slow and tries again by itself: what it was
# to read had not reached it yet, the try before has not ended, two counted a quota at once, or a
# webhook did not answer.
_SLOW_WORDS = (
    "timed out",
    "deadline exceeded",
    "is reserved for",
    "is already in use by",
    "the object has been modified",
    "failed calling webhook",
)
# What keeps a container from being made, a Secret or a volume that is missing, only events tell.
_UNEXPLAINED = frozenset({"ContainerCreating", "PodInitializing"})
_ENDED = frozenset({"Failed", "Succeeded"})
# Within this time a scheduler sees what is just being made, a volume for example, and what makes
# room: pods of before that end, others of less priority.
_PLACED_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Health:
    """How a workload, or one pod of it, is.

    reason: "" when it is ready. restarts: of all pods, unplanned. since: unix seconds of the
    youngest container's start. died: the pod and the container that ended last, whose log holds
    the cause; None when none did. unexplained: the pod whose own status does not say why it waits;
    None when it does. lacks_room: whether it is FAILED for want of room alone: a quota that refuses
    a pod, no node that takes one.
    """

    condition: Condition
    reason: str = ""
    restarts: int = 0
    since: float | None = None
    died: tuple[str, str] | None = None
    unexplained: str | None = None
    lacks_room: bool = False


def judge(workload: Object, pods: Sequence[Object], known_s: Callable[[Object], float]) -> Health:
    """Judge a Deployment, StatefulSet or DaemonSet.

    pods: all that it selects. known_s: tells for how many seconds one of them has been known.
    """
    alive = _alive(pods)
    current = current_pods(workload, alive)
    judged = sorted((judge_pod(pod, known_s(pod)) for pod in current), key=_badness)
    restarts = sum(each.restarts for each in judged)
    since = max((each.since for each in judged if each.since), default=None)
    worst = judged[0] if judged else Health(Condition.READY)

    def health(condition: Condition, reason: str = "") -> Health:
        return Health(condition, reason, restarts, since, worst.died)

    if worst.condition is Condition.FAILED:
        failed = health(Condition.FAILED, worst.reason)
        return replace(failed, unexplained=worst.unexplained, lacks_room=worst.lacks_room)
    # Before that, what it says is of the state before the change.
    refused, late = _complaints(workload) if _is_taken_up(workload) else ("", "")
    if refused and not _is_slow(refused):
        failed = health(Condition.FAILED, _joined(refused, worst.reason))
        return replace(failed, lacks_room=True)
    if refused or worst.condition is Condition.WAITING:
        reason = _joined(refused, late, worst.reason)
        return replace(health(Condition.WAITING, reason), unexplained=worst.unexplained)
    if missing := _missing(workload, alive, len(current)):
        return health(Condition.WAITING, missing)
    wanted, available = _numbers(workload)
    if available < wanted:
        reason = f"{available} of {wanted} pods have been ready for long enough"
        return health(Condition.SERVING, reason)
    return health(Condition.READY)


def current_pods(workload: Object, pods: Sequence[Object]) -> list[Object]:
    """Return the pods that a workload is to have as it is now, without those that end."""
    template = template_of(workload["spec"]["template"])
    own = [pod for pod in _alive(pods) if template_of(pod) == template]
    return [pod for pod in own if not _is_leaving(pod)]


def judge_pod(pod: Object, known_s: float = 0.0) -> Health:
    """Judge one pod.

    known_s: for how long whoever asks has known it. When it was made, it says by another clock.
    """
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    own = status.get("containerStatuses") or []
    statuses = [*(status.get("initContainerStatuses") or []), *own]
    restarts = sum(each.get("restartCount", 0) for each in statuses)
    started = [_seconds(begun) for each in statuses if (begun := _began(each))]
    died = next(((name, str(each["name"])) for each in statuses if _has_ended(each)), None)

    def health(condition: Condition, reason: str = "") -> Health:
        return Health(condition, reason, restarts, max(started, default=None), died)

    if status.get("phase") == "Failed":
        return health(Condition.FAILED, f"pod {name} failed: {_said(status)}")
    if (why := _unplaced(status)) is not None:
        condition = Condition.FAILED if known_s > _PLACED_WITHIN_S else Condition.WAITING
        found = health(condition, f"no node takes pod {name}: {why}")
        return replace(found, unexplained=name, lacks_room=condition is Condition.FAILED)
    for each in statuses:
        waiting = (each.get("state") or {}).get("waiting") or {}
        if reason := waiting.get("reason"):
            condition = Condition.FAILED if _is_hopeless(waiting) else Condition.WAITING
            found = health(condition, f"pod {name}: {_words(reason, waiting)}{_ended(each)}")
            return replace(found, unexplained=name if reason in _UNEXPLAINED else None)
    if _is_ready(status):
        return health(Condition.READY)
    found = health(Condition.WAITING, f"pod {name} is not ready: {_unready(status, own)}")
    # Events alone tell why a readiness probe failed.
    is_probed = died is None and bool(own) and all(each.get("started") for each in own)
    return replace(found, unexplained=name if is_probed else None)


def is_placed(pod: Object) -> bool:
    """Tell whether a pod has a node and is not about to end."""
    return bool((pod.get("spec") or {}).get("nodeName")) and not _is_leaving(pod)


def serves(pod: Object) -> bool:
    """Tell whether new requests are sent to a pod: it is ready and not about to end."""
    return not _is_leaving(pod) and judge_pod(pod).condition is Condition.READY


def is_unstarted(pod: Object) -> bool:
    """Tell whether no container of a pod has been started yet, and none has ended by itself.

    A container counts as started, as it does for the kubelet, once its startup probe succeeded.
    """
    status = pod.get("status") or {}
    own = status.get("containerStatuses") or []
    every = [*(status.get("initContainerStatuses") or []), *own]
    return not any(each.get("started") for each in own) and not any(map(_has_ended, every))


def _alive(pods: Sequence[Object]) -> list[Object]:
    # One that was evicted stays as a note; another has taken its place.
    return [pod for pod in pods if (pod.get("status") or {}).get("phase") not in _ENDED]


def _badness(health: Health) -> tuple[int, bool]:
    """Order by how bad it is; what a pod does wrong itself is worse than that it has no room."""
    order = [Condition.FAILED, Condition.WAITING, Condition.READY]
    return order.index(health.condition), health.lacks_room


def _missing(workload: Object, pods: Sequence[Object], current: int) -> str:
    """Return what a workload whose pods are well still lacks."""
    if not _is_taken_up(workload):
        return "the change is not taken up yet"
    wanted, _ = _numbers(workload)
    if current < wanted:
        return f"{current} of {wanted} pods are made"
    if _is_between(workload):
        return "the change has not reached every pod yet"
    # Also those that end: they may still answer.
    left = len(pods) - current
    if left:
        return f"{left} pod{'s' if left > 1 else ''} of before still end{'s' if left == 1 else ''}"
    return ""


def _numbers(workload: Object) -> tuple[int, int]:
    """Return how many pods are wanted, and how many are available; a zero may be left out."""
    status = workload.get("status") or {}
    if workload["kind"] == "DaemonSet":
        return status.get("desiredNumberScheduled", 0), status.get("numberAvailable", 0)
    return workload["spec"].get("replicas", 1), status.get("availableReplicas", 0)


def _is_taken_up(workload: Object) -> bool:
    seen = (workload.get("status") or {}).get("observedGeneration", 0)
    return bool(seen >= workload["metadata"].get("generation", 0))


def _is_between(workload: Object) -> bool:
    """Tell whether some pods are still those of before a change, whatever their labels."""
    status = workload.get("status") or {}
    if workload["kind"] == "StatefulSet":
        return bool(status.get("currentRevision") != status.get("updateRevision"))
    if workload["kind"] == "DaemonSet":
        return bool(
            status.get("updatedNumberScheduled", 0) < status.get("desiredNumberScheduled", 0)
        )
    return bool(status.get("updatedReplicas", 0) != status.get("replicas", 0))


def _complaints(workload: Object) -> tuple[str, str]:
    """Return why its pods are refused, and that they take longer than it allows; "" if not so.

    Late they may still come, as what they wait for does: then the cluster takes it back.
    """
    refused = late = ""
    for each in (workload.get("status") or {}).get("conditions") or []:
        if each["type"] == "ReplicaFailure" and each["status"] == "True":
            refused = f"its pods are refused: {each.get('message', '')}"
        if each["type"] == "Progressing" and each.get("reason") == "ProgressDeadlineExceeded":
            late = str(each.get("message", ""))
    return refused, late


def _joined(*reasons: str) -> str:
    return "; ".join(reason for reason in reasons if reason)


def _unplaced(status: Object) -> str | None:
    for each in status.get("conditions") or []:
        if each["type"] == "PodScheduled" and each.get("reason") == "Unschedulable":
            return str(each.get("message", ""))
    return None


def _is_ready(status: Object) -> bool:
    return any(
        each["type"] == "Ready" and each["status"] == "True"
        for each in status.get("conditions") or []
    )


def _unready(status: Object, statuses: Sequence[Object]) -> str:
    ended = "; ".join(text for each in statuses if (text := _ended(each).removeprefix("; ")))
    if ended:
        return ended
    if any(each.get("started") is False for each in statuses):
        return "its startup probe has not succeeded yet"
    return _said(status) if not statuses else "its readiness probe fails"


def _ended(container: Object) -> str:
    terminated = _termination(container)
    if not terminated:
        return ""
    cause = str(terminated.get("reason", ""))
    cause = f" ({cause})" if cause not in {"", "Error", "Completed"} else ""
    count = container.get("restartCount", 0)
    return (
        f"; {container['name']} ended with exit status {terminated.get('exitCode')}{cause}"
        f"{f', restarted {count} times' if count > 1 else ''}"
    )


def _termination(container: Object) -> Object:
    for name in ("state", "lastState"):
        if terminated := (container.get(name) or {}).get("terminated"):
            return dict(terminated)
    return {}


def _has_ended(container: Object) -> bool:
    terminated = _termination(container)
    return bool(terminated) and terminated.get("reason") != "Completed"


def _began(container: Object) -> str:
    running = (container.get("state") or {}).get("running") or {}
    return str(running.get("startedAt") or "")


def _is_leaving(pod: Object) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def _is_hopeless(waiting: Object) -> bool:
    reason, message = waiting["reason"], str(waiting.get("message", ""))
    return reason in _HOPELESS and not (reason in _SLOW_ALIKE and _is_slow(message))


def _is_slow(message: str) -> bool:
    return any(words in message for words in _SLOW_WORDS)


def _words(reason: str, waiting: Object) -> str:
    message = str(waiting.get("message", ""))
    # The kubelet's back-off message repeats the pod's name and says nothing of the cause.
    return reason if not message or reason == "CrashLoopBackOff" else f"{reason}: {message}"


def _said(status: Object) -> str:
    words = [str(status[name]) for name in ("reason", "message") if status.get(name)]
    words += [
        str(each["message"]) for each in status.get("conditions") or [] if each.get("message")
    ]
    return words[0] if words else "it says no reason"


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
