"""How many pods the stable revisions have, where the manifests say another number by now."""

from collections.abc import Iterable

from deploytool.platforms.base import Role
from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.applying import Difference
from deploytool.platforms.kubernetes.inspection import Inspection
from deploytool.platforms.kubernetes.manifests import Manifests
from deploytool.platforms.kubernetes.objects import REVISION, key_of, labels_of
from deploytool.platforms.kubernetes.releases import ClusterReleases
from deploytool.platforms.kubernetes.replies import Conflict
from deploytool.platforms.kubernetes.workloads import deployment, image_of, ours


class Sizes:
    """The numbers of pods of one namespace's services: no part of a revision."""

    def __init__(self, cluster: Cluster, inspection: Inspection, releases: ClusterReleases) -> None:
        self._cluster = cluster
        self._inspection = inspection
        self._releases = releases

    def differences(self, manifests: Manifests, components: Iterable[str]) -> list[Difference]:
        """Return whose number is not that of the manifests; an autoscaler's is right as it is.

        components: those of which no replacement is under way, whose shares the numbers make.
        """
        found = [
            self._difference(component, manifests.replicas(component))
            for component in components
            if not manifests.scaled_elsewhere(component)
        ]
        return [each for each in found if each is not None]

    def carry_out(self, found: Iterable[Difference]) -> None:
        """Have the pods made or ended; do not wait. Raises Conflict, PlatformFailed."""
        for each in found:
            assert each.wanted is not None
            self._cluster.apply(each.wanted)

    def _difference(self, component: str, wanted: int) -> Difference | None:
        stable = self._inspection.deployment(component, Role.STABLE)
        if stable is None or (has := int(stable["spec"]["replicas"])) == wanted:
            return None
        revision = labels_of(stable["spec"]["template"]).get(REVISION)
        if revision is None or self._inspection.is_autoscaled(component):
            return None
        base, image = self._releases.kept(component, revision).deployment, image_of(stable)
        # Whole, as it runs: what an apply leaves out is given up.
        item = ours(
            deployment(base, component, Role.STABLE, revision, image=image, replicas=wanted)
        )
        key = key_of(item, self._cluster.namespace)
        try:
            self._cluster.apply(item, is_dry_run=True)
        except Conflict as conflict:
            why = f"was changed by another owner: {conflict.why}"
            return Difference(key, why, item, is_drift=True)
        return Difference(key, f"spec.replicas: {has} -> {wanted}", item)
