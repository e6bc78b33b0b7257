"""What stands before any service of a Kubernetes target is started: all objects but revisions."""

import time
from collections.abc import Callable, Mapping, Sequence

from deploytool.errors import NotReady
from deploytool.platforms.base import Condition
from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.applying import Applying, Difference
from deploytool.platforms.kubernetes.database import ClusterDatabase
from deploytool.platforms.kubernetes.images import ClusterImages
from deploytool.platforms.kubernetes.inspection import Inspection
from deploytool.platforms.kubernetes.manifests import Manifests
from deploytool.platforms.kubernetes.objects import Key, Object, key_of, labels_of
from deploytool.platforms.kubernetes.pods import Health, judge_pod
from deploytool.platforms.kubernetes.releases import ClusterReleases
from deploytool.platforms.kubernetes.routes import complaint
from deploytool.platforms.kubernetes.sharing import Sharing
from deploytool.system.declaration import System

_LOOK_S = 0.1
_HASH = "controller-revision-hash"


class Foundation:
    """The objects that stand for all revisions: applied, compared and waited for together.

    begin_migrations: is called for a database that is only being made, before it is waited for.
    """

    def __init__(
        self,
        system: System,
        cluster: Cluster,
        inspection: Inspection,
        images: ClusterImages,
        releases: ClusterReleases,
        database: ClusterDatabase,
        sharing: Sharing,
        begin_migrations: Callable[[], None],
    ) -> None:
        self._system = system
        self._cluster = cluster
        self._inspection = inspection
        self._images = images
        self._releases = releases
        self._database = database
        self._begin_migrations = begin_migrations
        self._applying = Applying(cluster, sharing.keep_share)
        self._planned: Sequence[Difference] | None = None

    def require_namespace(self, manifests: Manifests) -> None:
        """Make the namespace where there is none, as the manifests have it."""
        key = Key("v1", "Namespace", "", self._cluster.namespace)
        if self._cluster.get(key) is None:
            self._applying.carry_out(
                each
                for each in self._applying.differences(manifests.namespaces(), lambda _: True)
                if each.wanted is not None
            )

    def start(
        self,
        manifests: Manifests,
        deadline_s: float,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Sequence[str]:
        """Apply what differs, delete what is left over, wait; return what was changed.

        What was told as to be changed is not looked for again. meanwhile: is called before the
        waiting. Raises NotReady, PlatformFailed.
        """
        deadline = time.monotonic() + deadline_s
        found, self._planned = self._planned, None
        if found is None:
            found = self._differences(manifests)
        is_first = bool(found) and self._is_first_database(manifests)
        self._applying.carry_out(found)
        self._applying.note(manifests.foundation(self._images.by_base()))
        if is_first:
            self._begin_migrations()
        meanwhile()
        self._await(manifests, self._database.component, deadline)
        self._database.make_roles(self._system.database[1].roles)
        self._await(manifests, self._system.gateway, deadline)
        while missing := complaint(self._cluster):
            self._pause(deadline, self._system.gateway, missing)
        return list(self._named(manifests, found))

    def changes(self, manifests: Manifests) -> Mapping[str, str]:
        """Return what would be changed, and why."""
        self._planned = self._differences(manifests)
        return self._named(manifests, self._planned)

    def drift(self, manifests: Manifests) -> Mapping[str, str]:
        """Return what others have changed since it was applied, and how."""
        found = self._differences(manifests)
        return self._named(manifests, [each for each in found if each.is_drift])

    def remove(self, manifests: Manifests) -> None:
        """Delete all that was applied, but for the namespace and data."""
        self._applying.remove(manifests.foundation(self._images.by_base()))

    def _is_first_database(self, manifests: Manifests) -> bool:
        """Tell whether the database is still to be made: there is neither it nor data of it."""
        name = self._database.component
        return (
            manifests.workload(name) is not None
            and self._inspection.workload(name) is None
            and not self._inspection.has_volumes(name)
        )

    def _differences(self, manifests: Manifests) -> list[Difference]:
        items = manifests.foundation(self._images.by_base())
        return self._applying.differences(items, self._releases.needs)

    def _named(self, manifests: Manifests, found: Sequence[Difference]) -> dict[str, str]:
        """Return each difference by its component, or by its kind and name."""
        components = {}
        for name in (self._database.component, self._system.gateway):
            workload = manifests.workload(name)
            if workload is not None:
                components[key_of(workload, self._cluster.namespace)] = name
        return {components.get(each.key, str(each.key)): each.why for each in found}

    def _await(self, manifests: Manifests, component: str, deadline: float) -> None:
        declared = manifests.workload(component)
        if declared is None:
            return  # somebody else runs it
        key = key_of(declared, self._cluster.namespace)
        while True:
            live = self._cluster.get(key)
            health = self.health(component, live)
            if health.condition in {Condition.SERVING, Condition.READY}:
                return
            is_healed = live is not None and self._healed(live, component)
            if health.condition is Condition.FAILED and not is_healed:
                raise _not_ready(
                    component, "did not become ready, and waiting does not help", health.reason
                )
            self._pause(deadline, component, health.reason)

    def health(self, component: str, workload: Object | None) -> Health:
        """Return how the database or the gateway is."""
        if workload is None:
            return Health(Condition.ABSENT, "is not there")
        return self._inspection.health(workload, self._inspection.pods(component))

    def _healed(self, workload: Object, component: str) -> bool:
        """Delete a broken pod of a StatefulSet's earlier template: by itself it is never replaced.

        https://github.com/kubernetes/kubernetes/issues/67250
        """
        if workload["kind"] != "StatefulSet":
            return False
        current = (workload.get("status") or {}).get("updateRevision")
        for pod in self._inspection.pods(component):
            health = judge_pod(pod, self._inspection.known_s(pod))
            if health.condition is Condition.FAILED and labels_of(pod).get(_HASH) != current:
                return self._cluster.delete(key_of(pod, self._cluster.namespace))
        return False

    def _pause(self, deadline: float, what: str, missing: str) -> None:
        if time.monotonic() > deadline:
            raise _not_ready(what, "did not become ready in time", missing)
        time.sleep(_LOOK_S)


def _not_ready(what: str, how: str, why: str) -> NotReady:
    return NotReady(f"{what} {how}", why=why, hint=f"see `deploytool logs {what}`")
