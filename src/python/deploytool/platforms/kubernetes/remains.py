"""What outlives a stopped system: its data, passwords, revisions and state."""

from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.images import NAME as IMAGES
from deploytool.platforms.kubernetes.objects import COMPONENT, FOUNDATION, REVISION, Key, selector
from deploytool.platforms.kubernetes.secrets import ClusterSecrets
from deploytool.platforms.kubernetes.store import NAMES as STATE
from deploytool.system.declaration import System


class Remains:
    """All that `down` leaves in a namespace unless it is told to delete the data."""

    def __init__(self, cluster: Cluster, secrets: ClusterSecrets) -> None:
        self._cluster = cluster
        self._secrets = secrets

    def remove(self, system: System) -> None:
        """Delete everything."""
        database, _ = system.database
        self._delete_all("PersistentVolumeClaim", selector({COMPONENT: database}))
        # Those that the manifests have.
        applied = selector({FOUNDATION: self._cluster.namespace})
        self._delete_all("PersistentVolumeClaim", applied)
        for secret in self._secrets.names():
            self._delete("Secret", secret)
        for component in system.services:
            # Others may have ConfigMaps of the component, too; those of revisions are ours.
            self._delete_all("ConfigMap", f"{selector({COMPONENT: component})},{REVISION}")
        for map_ in (*STATE, IMAGES):
            self._delete("ConfigMap", map_)

    def _delete_all(self, kind: str, wanted: str) -> None:
        for item in self._cluster.list("v1", kind, wanted):
            self._delete(kind, item["metadata"]["name"])

    def _delete(self, kind: str, name: str) -> None:
        self._cluster.delete(Key("v1", kind, self._cluster.namespace, name))
