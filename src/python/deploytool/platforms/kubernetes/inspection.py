"""What runs in the namespace, and how it is: workloads and their pods, with their last words."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from deploytool.errors import NotReady
from deploytool.platforms.base import Condition, Instance, Role
from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.objects import (
    COMPONENT,
    REVISION,
    Key,
    Object,
    labels_of,
    selector,
)
from deploytool.platforms.kubernetes.pods import (
    Health,
    current_pods,
    is_unstarted,
    judge,
    judge_pod,
    serves,
)
from deploytool.platforms.kubernetes.workloads import name_of, role_of

_LOOK_S = 0.25
_LAST_LINES = 3
# Of structured logs the beginning says what happened; the rest would hide the next line.
_LONGEST_LINE = 160


class Inspection:
    """Looks at a namespace. mask: hides secrets in what pods wrote."""

    def __init__(self, cluster: Cluster, mask: Callable[[str], str]) -> None:
        self._cluster = cluster
        self._mask = mask
        self._known_since: dict[str, float] = {}

    def known_s(self, pod: Object) -> float:
        """Return for how many seconds this process has known a pod: no clocks are compared."""
        now = time.monotonic()
        return now - self._known_since.setdefault(pod["metadata"]["uid"], now)

    def pods(self, component: str, role: Role | None = None) -> list[Object]:
        """Return the pods of a component, or of one of its roles, those that end included."""
        wanted = {COMPONENT: component}
        found = self._cluster.list("v1", "Pod", selector(wanted))
        return [pod for pod in found if role is None or role_of(pod) is role]

    def ready_pods(self, component: str, role: Role | None = None) -> list[Object]:
        """Return those of the pods that are ready, also if they are about to end."""
        found = self.pods(component, role)
        return [pod for pod in found if judge_pod(pod).condition is Condition.READY]

    def deployment(self, component: str, role: Role) -> Object | None:
        """Return what runs a service in a role; None when nothing does."""
        name = name_of(component, role)
        return self._cluster.get(Key("apps/v1", "Deployment", self._cluster.namespace, name))

    def workload(self, component: str) -> Object | None:
        """Return what runs the database or the gateway; None when nothing does."""
        for kind in ("StatefulSet", "Deployment", "DaemonSet"):
            for item in self._cluster.list("apps/v1", kind, selector({COMPONENT: component})):
                return item
        return None

    def is_autoscaled(self, component: str) -> bool:
        """Tell whether an autoscaler of the cluster sets stable's number of pods."""
        found = self._cluster.list("autoscaling/v2", "HorizontalPodAutoscaler")
        return any(item["spec"]["scaleTargetRef"]["name"] == component for item in found)

    def has_volumes(self, component: str) -> bool:
        """Tell whether a component keeps data."""
        found = self._cluster.list("v1", "PersistentVolumeClaim", selector({COMPONENT: component}))
        return any("deletionTimestamp" not in item["metadata"] for item in found)

    def await_gone(self, components: Iterable[str], deadline: float) -> None:
        """Wait until no pod of the components is left. deadline: of the monotonic clock."""
        # Others in the namespace have that label as well: it is recommended to everybody.
        wanted = f"{COMPONENT} in ({','.join(components)})"
        while pods := self._cluster.list("v1", "Pod", wanted):
            if time.monotonic() > deadline:
                raise NotReady(
                    "not everything has ended in time",
                    why=f"{', '.join(str(pod['metadata']['name']) for pod in pods)} still end",
                    hint="repeat the command; it goes on waiting",
                )
            time.sleep(_LOOK_S)

    def health(self, workload: Object, pods: list[Object]) -> Health:
        """Judge a workload by all its pods; with what the one that ended last wrote.

        Or, if its status tells nothing, with what the cluster has noted about it.
        """
        health = judge(workload, pods, self.known_s)
        words = ""
        if health.condition is not Condition.READY and health.died is not None:
            words = self.last_words(*health.died)
        elif health.unexplained is not None:
            [pod] = [each for each in pods if each["metadata"]["name"] == health.unexplained]
            words = self.warning(("Pod", health.unexplained), *_claims(pod))
        elif health.condition is Condition.WAITING and not pods:
            words = self.warning((workload["kind"], workload["metadata"]["name"]))
        return replace(health, reason=f"{health.reason}; {words}") if words else health

    def instance(
        self, component: str, role: Role, workload: Object, pods: list[Object]
    ) -> Instance:
        """Return an instance as people are shown it."""
        health = self.health(workload, pods)
        current = current_pods(workload, pods)
        addresses = [str(pod["status"]["podIP"]) for pod in pods if pod["status"].get("podIP")]
        return Instance(
            component=component,
            role=role,
            revision=labels_of(workload["spec"]["template"]).get(REVISION, ""),
            condition=health.condition,
            reason=health.reason,
            restarts=health.restarts,
            since=health.since,
            address=", ".join(addresses),
            is_partly_serving=any(map(serves, current)),
            is_unstarted=all(map(is_unstarted, current)),
        )

    def warning(self, *subjects: tuple[str, str]) -> str:
        """Return the newest warning about any of these, by kind and name; "" without one."""
        found = [event for subject in subjects for event in self._cluster.warnings(*subject)]
        if not found:
            return ""
        newest = max(found, key=lambda each: str(each.get("lastTimestamp") or ""))
        return f"{newest.get('reason', '')}: {self._mask(str(newest.get('message', '')).strip())}"

    def last_words(self, pod: str, container: str) -> str:
        """Return what a container wrote before it ended."""
        query = [("container", container), ("tailLines", str(_LAST_LINES))]
        text = self._cluster.pod_log(pod, [*query, ("previous", "true")])
        text = text or self._cluster.pod_log(pod, query)
        words = " | ".join(_cut(self._mask(line.strip())) for line in text.splitlines() if line)
        return f"its last words: {words}" if words else "it wrote nothing"


def _claims(pod: Object) -> list[tuple[str, str]]:
    """Return the claims that a pod mounts, by kind and name."""
    volumes = (pod.get("spec") or {}).get("volumes") or []
    claims = (each["persistentVolumeClaim"] for each in volumes if "persistentVolumeClaim" in each)
    return [("PersistentVolumeClaim", each["claimName"]) for each in claims]


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}..."
