"""What `down --volumes` deletes, and what of others it leaves alone."""

from deploytool.platforms.kubernetes.objects import COMPONENT, FOUNDATION, REVISION, Object
from deploytool.platforms.kubernetes.remains import Remains
from deploytool.platforms.kubernetes.secrets import ClusterSecrets
from deploytool.system.declaration import System
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


def item(kind: str, name: str, **labels: str) -> Object:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "labels": labels}}


OURS = [
    item("PersistentVolumeClaim", "data-db-0", **{COMPONENT: "db"}),
    item("PersistentVolumeClaim", "uploads", **{FOUNDATION: "shop"}),
    item("Secret", "db-migrations"),
    item("ConfigMap", "web-abc", **{COMPONENT: "web", REVISION: "abc"}),
    item("ConfigMap", "deploytool-state"),
]
# The last one is the name of the lock, which is a Lease and no ConfigMap.
OTHERS = [
    item("PersistentVolumeClaim", "mail"),
    item("ConfigMap", "web-theme", **{COMPONENT: "web"}),
    item("ConfigMap", "deploytool-lock"),
]


def test_data_and_state_go_and_what_others_keep_stays() -> None:
    cluster = Memory()
    for each in [*OURS, *OTHERS]:
        cluster.create(each)
    Remains(cluster, ClusterSecrets(cluster, "db", ["r"], lambda _: None)).remove(SYSTEM)
    left = [key.name for key in cluster.objects]
    assert left == [each["metadata"]["name"] for each in OTHERS]
