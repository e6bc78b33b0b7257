"""Services as they run: a Deployment for each component and role, made from a revision."""

import time
from collections.abc import Callable, Iterable, Mapping

from deploytool.errors import NotReady
from deploytool.platforms.base import Condition, Instance, Role
from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.inspection import Inspection
from deploytool.platforms.kubernetes.objects import (
    REVISION,
    Key,
    Object,
    labels_of,
    port_of,
)
from deploytool.platforms.kubernetes.pods import is_placed, serves
from deploytool.platforms.kubernetes.releases import ClusterReleases
from deploytool.platforms.kubernetes.sharing import Pods
from deploytool.platforms.kubernetes.workloads import deployment, image_of, name_of, ours, settings
from deploytool.platforms.references import own_references, resolve
from deploytool.system.revision import Revision

_LOOK_S = 0.25
# Beside what the pods themselves may take to end.
_GONE_S = 30.0


class Revisions:
    """The Deployments of one namespace's services."""

    def __init__(self, cluster: Cluster, inspection: Inspection, releases: ClusterReleases) -> None:
        self._cluster = cluster
        self._inspection = inspection
        self._releases = releases

    def start(
        self,
        revision: Revision,
        role: Role,
        *,
        known: Mapping[str, str],
        replicas: int,
        is_scaled_elsewhere: bool,
    ) -> None:
        """Run the revision in the role, in place of what runs there, pod by pod.

        known: what references to others mean; for a revision that ran before, what they meant then.
        replicas: how many pods stable has, now and not when the revision was installed, unless an
        autoscaler decides it.
        Raises Conflict when somebody else has set what the revision sets; for a canary also when it
        could not become stable for that reason.
        """
        component = revision.component
        kept = self._releases.kept(component, revision.id)
        image = revision.released.image.image if revision.released else kept.image
        port = port_of(kept.deployment["spec"]["template"])
        # Inside its pod a service may listen on every address: no other one is there.
        own = own_references("0.0.0.0", port, revision.id)  # noqa: S104
        environment = resolve(component, revision.environment, {**known, **own})
        # Not applied: one that is there cannot be changed.
        self._cluster.create(ours(settings(component, revision.id, environment)))

        def apply(role: Role, *, is_dry_run: bool = False) -> None:
            number = self._replicas(component, role, replicas, is_scaled_elsewhere)
            wanted = deployment(
                kept.deployment, component, role, revision.id, image=image, replicas=number
            )
            self._cluster.apply(ours(wanted), is_dry_run=is_dry_run)

        if role is Role.CANARY:
            # What would stop it half way through its promotion is better said before it begins.
            apply(Role.STABLE, is_dry_run=True)
        apply(role)

    def _replicas(self, component: str, role: Role, wanted: int, is_scaled_elsewhere: bool) -> int:
        live = self._inspection.deployment(component, role)
        if role is Role.CANARY:
            return int(live["spec"]["replicas"]) if live else 1
        if live and (is_scaled_elsewhere or self._inspection.is_autoscaled(component)):
            # Left out, the number would fall to one; said as it is, it changes nothing.
            return int(live["spec"]["replicas"])
        return wanted

    def scale_canary(
        self, component: str, needed: Callable[[int, int], Pods], deadline_s: float
    ) -> str:
        """Give the canary the pods that its share needs; return why it has fewer, "" if it has all.

        Raises NotReady when not even the least come, when one fails by itself, and when there is no
        canary any more: nothing would answer what it is to get.
        needed: returns how many, given how many stable and the canary have.
        """
        stable = self._inspection.deployment(component, Role.STABLE)
        canary = self._inspection.deployment(component, Role.CANARY)
        if canary is None:
            raise NotReady(
                f"the canary of {component} is gone",
                why=f"there is no Deployment/{name_of(component, Role.CANARY)}",
                hint="take back its share: `deploytool abort`",
            )
        has = int(canary["spec"]["replicas"])
        pods = needed(int(stable["spec"]["replicas"]), has) if stable else Pods(has, has)
        if has != pods.wanted:
            self._resize(component, canary, pods.wanted)
        return self._await_pods(component, canary, pods, time.monotonic() + deadline_s)

    def stop(self, component: str, role: Role, drain_s: float) -> None:
        """Delete what runs in the role, and wait until its pods have ended."""
        name = name_of(component, role)
        self._cluster.delete(Key("apps/v1", "Deployment", self._cluster.namespace, name))
        if role is Role.CANARY:
            self._cluster.delete(Key("v1", "Service", self._cluster.namespace, name))
        deadline = time.monotonic() + drain_s + _GONE_S
        while pods := self._inspection.pods(component, role):
            if time.monotonic() > deadline:
                raise NotReady(
                    f"{name} has not ended after {drain_s + _GONE_S:.0f} s",
                    why=f"{', '.join(pod['metadata']['name'] for pod in pods)} still end",
                    hint="see `kubectl get pods`; the node may be away",
                )
            time.sleep(_LOOK_S)

    def instance(self, component: str, role: Role) -> Instance:
        """Return how a service is in a role."""
        workload = self._inspection.deployment(component, role)
        if workload is None:
            return Instance(component, role, "", Condition.ABSENT, "was not started")
        pods = self._inspection.pods(component, role)
        return self._inspection.instance(component, role, workload, pods)

    def running(self, component: str) -> set[str]:
        """Return the ids of the revisions that have pods."""
        pods = self._inspection.pods(component)
        return {labels_of(pod)[REVISION] for pod in pods if REVISION in labels_of(pod)}

    def serving(self, component: str, role: Role) -> list[Object]:
        """Return the pods that are ready, of the revision that is meant to run in the role."""
        workload = self._inspection.deployment(component, role)
        if workload is None:
            return []
        revision = labels_of(workload["spec"]["template"]).get(REVISION)
        return [
            pod
            for pod in self._inspection.pods(component, role)
            if labels_of(pod).get(REVISION) == revision and serves(pod)
        ]

    def remove_all(self, components: Iterable[str]) -> None:
        """Delete every Deployment and canary Service; do not wait."""
        for component in components:
            for role in Role:
                name = name_of(component, role)
                self._cluster.delete(Key("apps/v1", "Deployment", self._cluster.namespace, name))
            self._cluster.delete(
                Key("v1", "Service", self._cluster.namespace, name_of(component, Role.CANARY))
            )

    def _resize(self, component: str, canary: Object, pods: int) -> None:
        revision = labels_of(canary)[REVISION]
        base, image = self._releases.kept(component, revision).deployment, image_of(canary)
        resized = deployment(base, component, Role.CANARY, revision, image=image, replicas=pods)
        self._cluster.apply(ours(resized))

    def _await_pods(self, component: str, canary: Object, pods: Pods, deadline: float) -> str:
        """Wait for as many pods as can be had; give up the others. See scale_canary."""
        why, has = "", pods.wanted
        while True:
            live = self._inspection.deployment(component, Role.CANARY) or canary
            found = self._inspection.pods(component, Role.CANARY)
            health = self._inspection.health(live, found)
            is_late = time.monotonic() > deadline
            # A quota refuses some at once, while it is not known yet what becomes of the others.
            is_known = not any(_is_undecided(pod) for pod in found)
            is_short = is_late or (health.lacks_room and is_known)
            # In time, those that have a node may still get ready.
            left = [pod for pod in found if (serves(pod) if is_late else is_placed(pod))]
            if health.condition is Condition.READY or (is_late and len(left) >= has):
                break
            is_failed = health.condition is Condition.FAILED and not health.lacks_room
            if is_failed or (is_short and len(left) < pods.least):
                raise NotReady(
                    f"{component} canary {labels_of(canary)[REVISION]} lacks pods for its share",
                    why=health.reason,
                    hint=f"see `deploytool logs {component}`",
                )
            if is_short and len(left) < has:
                why, has = health.reason, len(left)
                self._resize(component, canary, has)
                # Those that were given up are to end before the others count as ready.
                deadline = max(deadline, time.monotonic() + _GONE_S)
            time.sleep(_LOOK_S)
        return why and f"it has {has} of the {pods.wanted} pods for its share: {why}"


def _is_undecided(pod: Object) -> bool:
    """Tell whether the scheduler has neither found a node for a pod nor said that there is none."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    is_judged = any(each["type"] == "PodScheduled" for each in conditions)
    return not is_judged and not (pod.get("spec") or {}).get("nodeName")
