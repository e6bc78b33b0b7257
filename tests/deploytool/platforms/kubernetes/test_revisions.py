"""Revisions as they run, and run again, on objects in memory."""

from collections.abc import Mapping

import pytest

from deploytool.errors import NotReady
from deploytool.platforms.base import Role
from deploytool.platforms.kubernetes.inspection import Inspection
from deploytool.platforms.kubernetes.objects import Key, Object, key_of, port_of
from deploytool.platforms.kubernetes.releases import ClusterReleases
from deploytool.platforms.kubernetes.revisions import Revisions
from deploytool.platforms.kubernetes.sharing import Pods
from deploytool.platforms.kubernetes.workloads import Kept, image_of, settings_name
from deploytool.system.release import ReleasedBuild, ReleasedImage
from deploytool.system.revision import Revision, revision_of
from tests.deploytool.platforms.kubernetes.memory import Memory

ENVIRONMENT = {"LISTEN": "${self.port}", "DB": "${db.port}"}
WEB = revision_of("web", "1f", ENVIRONMENT)


def kept(port: int) -> Kept:
    container = {"name": "web", "image": "web:1", "ports": [{"containerPort": port}]}
    template = {"spec": {"containers": [container]}}
    return Kept(
        image="web@sha256:1f",
        deployment={"metadata": {"name": "web"}, "spec": {"replicas": 2, "template": template}},
    )


class Small(Memory):
    """Makes pods of a canary at once, as far as a quota goes. ready: so many of these get ready."""

    def __init__(self, quota: int, ready: int) -> None:
        super().__init__()
        self._quota, self._ready = quota, ready

    def apply(self, item: Object, *, is_dry_run: bool = False) -> Object:
        made = super().apply(item, is_dry_run=is_dry_run)
        if item["kind"] == "Deployment" and not is_dry_run:
            self._make_pods(self.objects[key_of(item, self.namespace)])
        return made

    def _make_pods(self, workload: Object) -> None:
        for key in [each for each in self.objects if each.kind == "Pod"]:
            self.delete(key)
        wanted = workload["spec"]["replicas"]
        pods = min(wanted, self._quota)
        for n in range(pods):
            is_ready = str(n < self._ready)
            container = {"name": "web", "started": True, "state": {"running": {}}}
            self.create(
                {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "metadata": {
                        "name": f"web-{n}",
                        "uid": f"web-{n}",
                        "labels": workload["spec"]["template"]["metadata"]["labels"],
                    },
                    "spec": {"nodeName": "one"},
                    "status": {
                        "phase": "Running",
                        "conditions": [{"type": "Ready", "status": is_ready}],
                        "containerStatuses": [container],
                    },
                }
            )
        failure = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}
        counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), pods)
        workload["status"] = {**counts, "conditions": [failure] if pods < wanted else []}


class Unhurried(Small):
    """Its scheduler says nothing of pods yet when they are looked at for the first time."""

    def _make_pods(self, workload: Object) -> None:
        super()._make_pods(workload)
        self._is_scheduled = False

    def list(self, version: str, kind: str, selector: str = "") -> list[Object]:
        found = super().list(version, kind, selector)
        if kind != "Pod" or self._is_scheduled:
            return found
        self._is_scheduled = True
        return [{**pod, "spec": {}, "status": {"phase": "Pending"}} for pod in found]


def opened(cluster: Memory | None = None) -> tuple[Revisions, Memory, ClusterReleases]:
    cluster = cluster or Memory()
    releases = ClusterReleases(cluster)
    return Revisions(cluster, Inspection(cluster, lambda t: t), releases), cluster, releases


def started(
    revisions: Revisions,
    known: Mapping[str, str],
    role: Role = Role.STABLE,
    replicas: int = 2,
    revision: Revision = WEB,
) -> None:
    revisions.start(revision, role, known=known, replicas=replicas, is_scaled_elsewhere=False)


def released(digit: str) -> Revision:
    """Return the same revision, of a release whose bytes are others."""
    image = ReleasedImage(image=f"host/web@sha256:{digit * 64}", tag="t1", platform="linux/amd64")
    build = ReleasedBuild(image=image, repository="https://example.org/shop", commit=digit * 40)
    return revision_of("web", "1f", ENVIRONMENT, build)


def images(cluster: Memory) -> dict[str, str]:
    return {
        key.name: image_of(item)
        for key, item in cluster.objects.items()
        if key.kind == "Deployment"
    }


def settings(cluster: Memory) -> Object:
    return cluster.objects[Key("v1", "ConfigMap", "shop", settings_name("web", WEB.id))]


def test_a_revision_that_is_started_again_keeps_its_settings() -> None:
    revisions, cluster, releases = opened()
    releases.install(WEB, kept(8080))
    started(revisions, {"db.port": "5432"})
    first = settings(cluster)
    assert first["data"] == {"LISTEN": "8080", "DB": "5432"}
    started(revisions, {"db.port": "6432"})
    started(revisions, {"db.port": "6432"}, Role.CANARY)
    assert settings(cluster) == first


def test_what_was_built_here_and_what_a_release_has_of_it_run_beside_each_other() -> None:
    revisions, cluster, releases = opened(Small(quota=9, ready=9))
    releases.install(WEB, kept(8080))
    started(revisions, {"db.port": "5432"})
    release = released("a")
    releases.install(release, Kept(image="", deployment=kept(8080).deployment))
    started(revisions, {"db.port": "5432"}, Role.CANARY, revision=release)
    revisions.scale_canary("web", lambda *_: Pods(2, 1), -1)
    image = "host/web@sha256:" + "a" * 64
    assert images(cluster) == {"web": "web@sha256:1f", "web-canary": image}
    # It goes back, or it goes on.
    started(revisions, {"db.port": "5432"})
    assert images(cluster)["web"] == "web@sha256:1f"
    started(revisions, {"db.port": "5432"}, revision=release)
    assert images(cluster)["web"] == image


def test_a_revision_serves_on_the_port_that_it_was_installed_with() -> None:
    revisions, cluster, releases = opened()
    releases.install(WEB, kept(9090))
    started(revisions, {"db.port": "5432"})
    assert settings(cluster)["data"]["LISTEN"] == "9090"
    running = cluster.objects[Key("apps/v1", "Deployment", "shop", "web")]
    assert port_of(running["spec"]["template"]) == 9090


def test_a_revision_that_is_started_again_has_as_many_pods_as_the_manifests_say_now() -> None:
    revisions, cluster, releases = opened()
    releases.install(WEB, kept(8080))
    started(revisions, {"db.port": "5432"}, replicas=5)
    running = cluster.objects[Key("apps/v1", "Deployment", "shop", "web")]
    assert running["spec"]["replicas"] == 5


def test_a_canary_gets_the_pods_of_its_share_from_what_its_revision_was_installed_as() -> None:
    revisions, cluster, releases = opened()
    releases.install(WEB, kept(8080))
    for role in Role:
        started(revisions, {"db.port": "5432"}, role)
    with pytest.raises(NotReady, match="lacks pods for its share"):
        revisions.scale_canary("web", lambda stable, canary: Pods(stable + canary + 4, 1), -1)
    canary = cluster.objects[Key("apps/v1", "Deployment", "shop", "web-canary")]
    assert canary["spec"]["replicas"] == 2 + 1 + 4


def test_a_canary_that_somebody_deleted_gets_no_share() -> None:
    revisions, _, releases = opened()
    releases.install(WEB, kept(8080))
    started(revisions, {"db.port": "5432"})
    with pytest.raises(NotReady, match="the canary of web is gone") as gone:
        revisions.scale_canary("web", lambda *_: Pods(1, 1), 0)
    assert gone.value.why == "there is no Deployment/web-canary"


def scaled(
    quota: int, ready: int, pods: Pods, deadline_s: float, kind: type[Small] = Small
) -> tuple[str, int]:
    """Scale a canary; return what it lacks, and how many pods it is to have in the end."""
    revisions, cluster, releases = opened(kind(quota, ready))
    releases.install(WEB, kept(8080))
    for role in Role:
        started(revisions, {"db.port": "5432"}, role)
    lacking = revisions.scale_canary("web", lambda *_: pods, deadline_s)
    canary = cluster.objects[Key("apps/v1", "Deployment", "shop", "web-canary")]
    return lacking, canary["spec"]["replicas"]


def test_a_canary_that_gets_all_its_pods_lacks_nothing() -> None:
    assert scaled(quota=9, ready=9, pods=Pods(4, 1), deadline_s=5) == ("", 4)


@pytest.mark.parametrize("kind", [Small, Unhurried])
def test_a_canary_goes_on_with_the_pods_that_a_quota_allows_and_says_so(kind: type[Small]) -> None:
    lacking, pods = scaled(quota=2, ready=9, pods=Pods(4, 1), deadline_s=5, kind=kind)
    assert lacking == ("it has 2 of the 4 pods for its share: its pods are refused: exceeded quota")
    assert pods == 2


def test_pods_that_do_not_get_ready_in_time_are_given_up() -> None:
    lacking, pods = scaled(quota=9, ready=1, pods=Pods(2, 1), deadline_s=-1)
    assert lacking == (
        "it has 1 of the 2 pods for its share: pod web-1 is not ready: its readiness probe fails"
    )
    assert pods == 1


@pytest.mark.parametrize(
    ("quota", "ready", "deadline_s", "why"),
    [(1, 9, 5, "exceeded quota"), (9, 1, -1, "readiness probe"), (9, 0, -1, "readiness probe")],
)
def test_a_share_that_needs_its_pods_is_not_had_with_fewer(
    quota: int, ready: int, deadline_s: float, why: str
) -> None:
    with pytest.raises(NotReady, match="lacks pods for its share") as lacking:
        scaled(quota, ready, Pods(2, 2 if ready else 1), deadline_s)
    assert why in lacking.value.why
