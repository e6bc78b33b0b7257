"""A canary by the number of its pods, on a cluster that is a few objects in memory."""

import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from deploytool.errors import InvalidInput, PlatformFailed
from deploytool.platforms.base import Role
from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.inspection import Inspection
from deploytool.platforms.kubernetes.objects import (
    APPLIED,
    COMPONENT,
    ROLE,
    Key,
    Object,
    differences,
)
from deploytool.platforms.kubernetes.ratio import noted_percent, with_share
from deploytool.platforms.kubernetes.replicas import Replicas
from deploytool.platforms.kubernetes.replies import Reply
from deploytool.platforms.kubernetes.scraping import ByApiServer
from deploytool.system.counters import Counters
from deploytool.system.declaration import System, read_system

WEB = "new-microservice"
DECLARED = read_system(Path("deploy/system.yaml"))
PORT = 8080


def service() -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": WEB, "namespace": "shop", "annotations": {APPLIED: "1f"}},
        "spec": {"selector": {COMPONENT: WEB, ROLE: "stable"}, "ports": [{"port": 80}]},
    }


def pod(name: str, role: Role, *, is_ready: bool = True, port: int = PORT) -> Object:
    ready = {"type": "Ready", "status": "True" if is_ready else "False"}
    return {
        "metadata": {"name": name, "uid": name, "labels": {COMPONENT: WEB, ROLE: str(role)}},
        "spec": {"containers": [{"name": WEB, "ports": [{"containerPort": port}]}]},
        "status": {
            "phase": "Running",
            "conditions": [ready],
            "containerStatuses": [{"name": WEB, "containerID": f"c-{name}", "started": True}],
        },
    }


class Memory(Cluster):
    """One Service, its pods and what these have counted; its endpoints follow at once."""

    def __init__(self, pods: Sequence[Object]) -> None:
        super().__init__(None, "shop")
        self.service = service()
        self.pods = list(pods)
        self.answered: dict[str, dict[int, int]] = {}
        self.applied = 0

    def get(self, key: Key) -> Object | None:
        if key.kind == "Service":
            return self.service
        role = Role.CANARY if key.name.endswith("-canary") else Role.STABLE
        return {"spec": {"replicas": len(self._of(role))}}

    def list(self, version: str, kind: str, selector: str = "") -> list[Object]:
        assert (version, kind, selector) in {
            ("v1", "Pod", f"{COMPONENT}={WEB}"),
            ("discovery.k8s.io/v1", "EndpointSlice", f"kubernetes.io/service-name={WEB}"),
        }
        if kind == "Pod":
            return self.pods
        wanted = self.service["spec"]["selector"].items()
        led = [each for each in self.pods if wanted <= each["metadata"]["labels"].items()]
        names = [each["metadata"]["name"] for each in led]
        ready = {"ready": True}
        return [{"endpoints": [{"conditions": ready, "targetRef": {"name": n}} for n in names]}]

    def apply(self, item: Object, *, is_dry_run: bool = False) -> Object:
        assert not is_dry_run
        self.applied += 1
        self.service = item
        return item

    def proxied(self, pod: str, port: int, path: str, timeout_s: float) -> Reply:
        [item] = [each for each in self.pods if each["metadata"]["name"] == pod]
        assert item["spec"]["containers"][0]["ports"] == [{"containerPort": port}]
        assert path == "/metrics"
        assert timeout_s > 0
        if pod not in self.answered:
            return Reply(503, b"connection refused")
        codes = self.answered[pod]
        lines = [f'http_requests_total{{status="{code}"}} {n}' for code, n in codes.items()]
        lines.append(
            f'http_request_duration_seconds_bucket{{le="+Inf"}} {sum(codes.values())}',
        )
        return Reply(200, "\n".join([*lines, ""]).encode())

    def _of(self, role: Role) -> Sequence[Object]:
        return [each for each in self.pods if each["metadata"]["labels"][ROLE] == role]


def made(*pods: Object, system: System = DECLARED) -> tuple[Replicas, Memory]:
    cluster = Memory(pods)
    inspection = Inspection(cluster, lambda text: text)
    source = ByApiServer(cluster)
    return Replicas(cluster, system, inspection, source), cluster


STABLE = [pod(f"s{n}", Role.STABLE) for n in range(4)]
CANARY = pod("c0", Role.CANARY)


def test_a_share_is_given_once_and_taken_again() -> None:
    replicas, cluster = made(*STABLE, CANARY)
    assert replicas.percent(WEB) is None
    for percent in (0, 20, 100):
        for _ in range(2):
            replicas.give(WEB, percent, 1)
        assert replicas.percent(WEB) == percent
    replicas.give(WEB, None, 1)
    assert list(differences(service(), cluster.service)) == ["metadata.labels: none -> {}"]
    assert cluster.applied == 4


def test_the_mark_of_the_manifest_stays_so_that_nothing_seems_to_differ() -> None:
    replicas, cluster = made(*STABLE, CANARY)
    replicas.give(WEB, 20, 1)
    assert cluster.service["metadata"]["annotations"][APPLIED] == "1f"
    assert replicas.keep_share(service(), cluster.service) == cluster.service


def test_what_is_no_service_of_a_component_is_left_as_the_manifests_have_it() -> None:
    replicas, _ = made()
    live = with_share(service(), 20)
    other = {**service(), "metadata": {"name": "gateway"}}
    assert replicas.keep_share(other, live) == other
    assert (
        replicas.keep_share({**service(), "kind": "ConfigMap"}, live)["spec"] == (service()["spec"])
    )
    assert noted_percent(replicas.keep_share(service(), service())) is None


def test_each_roles_pods_are_summed_up_and_what_one_counted_outlives_it() -> None:
    replicas, cluster = made(*STABLE[:2], CANARY)
    cluster.answered = {"s0": {200: 5}, "s1": {200: 7, 500: 1}, "c0": {200: 2}}
    before = replicas.observe(WEB)
    assert before.stable.requests == {200: 12, 500: 1}
    assert before.canary.requests == {200: 2}
    assert before.stable.buckets == ((math.inf, 13),)
    del cluster.pods[0]
    cluster.answered["s1"] = {200: 9, 500: 1}
    assert replicas.observe(WEB).stable.requests == {200: 14, 500: 1}


def test_each_pod_is_asked_at_the_port_of_its_own_revision() -> None:
    replicas, cluster = made(STABLE[0], pod("c0", Role.CANARY, port=9090))
    cluster.answered = {"s0": {200: 5}, "c0": {200: 2}}
    found = replicas.observe(WEB)
    assert (found.stable.requests, found.canary.requests) == ({200: 5}, {200: 2})


def test_a_pod_that_is_not_ready_is_read_if_it_answers_still() -> None:
    unready = [pod("c0", Role.CANARY, is_ready=False), pod("c1", Role.CANARY, is_ready=False)]
    replicas, cluster = made(STABLE[0], *unready)
    cluster.answered = {"s0": {200: 5}, "c0": {500: 3}}
    assert replicas.observe(WEB).canary.requests == {500: 3}


def test_a_ready_pod_that_does_not_tell_is_waited_for() -> None:
    replicas, cluster = made(STABLE[0], CANARY)
    cluster.answered = {"s0": {200: 5}}
    with pytest.raises(PlatformFailed, match="pod c0"):
        replicas.observe(WEB)


def with_service(**changes: object) -> System:
    changed = DECLARED.services[WEB].model_copy(update=changes)
    return DECLARED.model_copy(update={"components": {**DECLARED.components, WEB: changed}})


def test_a_service_has_to_say_what_it_counts() -> None:
    made()[0].require_support()
    assert isinstance(DECLARED.services[WEB].counters, Counters)
    with pytest.raises(InvalidInput, match="does not say what it counts"):
        made(system=with_service(counters=None))[0].require_support()


def test_nobody_can_be_kept_at_a_version() -> None:
    policy = DECLARED.services[WEB].canary.model_copy(update={"sticky_cookie": "version"})
    with pytest.raises(InvalidInput, match="sticky_cookie"):
        made(system=with_service(canary=policy))[0].require_support()
