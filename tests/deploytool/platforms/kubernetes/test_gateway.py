"""What a cluster's gateway has counted of a canary, and how that canary's pods fared meanwhile."""

from collections.abc import Callable, Sequence
from itertools import count

import pytest

from deploytool.platforms.kubernetes.gateway import ClusterGateway
from deploytool.platforms.kubernetes.inspection import Inspection
from deploytool.platforms.kubernetes.objects import COMPONENT, ROLE, Object
from deploytool.platforms.kubernetes.scraping import Counted, Told, Wanted
from deploytool.traffic.gateway_counters import Taken
from deploytool.traffic.traefik_file import Arm
from tests.deploytool.platforms.kubernetes.memory import Memory

ARMS: dict[Arm, str] = {"stable": "web", "canary": "web-canary"}
ROUTER = "httproute-shop-web-gw-shop-gateway-ep-web-0-0123456789abcdef"
SERVICE = f"{ROUTER}-svc-shop-web-0"


def counted(answered: int, unserved: int) -> str:
    """Return what a gateway tells that has answered 503 itself to so many."""
    served = f'traefik_service_requests_total{{code="200",service="{SERVICE}@kubernetesgateway"}}'
    routed = f'traefik_router_requests_total{{code="503",router="{ROUTER}@kubernetesgateway"}}'
    return f"{served} {answered}\n{routed} {unserved}\n"


class Told503:
    """A gateway whose own answers 503 grow by 10 from one look to the next.

    lag_s: how old its counters are.
    """

    def __init__(self, lag_s: float = 0.0) -> None:
        self._looks = count(1)
        self._lag_s = lag_s

    def read(
        self, pods: Sequence[Object], _wanted: Wanted, _is_needed: Callable[[Object], bool]
    ) -> Counted:
        look = next(self._looks)
        text = counted(answered=90, unserved=10 * look)
        taken = Taken(look - self._lag_s, look - self._lag_s, look)
        return Counted([Told(pods[0], "edge-0", text)], taken)

    def close(self) -> None:
        pass


def pod(component: str, name: str, role: str = "stable", *, is_ready: bool = True) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "uid": name, "labels": {COMPONENT: component, ROLE: role}},
        "spec": {"containers": [{"name": component}]},
        "status": {"conditions": [{"type": "Ready", "status": str(is_ready)}]},
    }


def gateway(*canary: Object, lag_s: float = 0.0) -> ClusterGateway:
    """Return a gateway before two pods of stable and those of a canary."""
    cluster = Memory()
    for each in (pod("edge", "edge-0"), pod("web", "web-0"), pod("web", "web-1"), *canary):
        cluster.create(each)
    inspection = Inspection(cluster, lambda text: text)
    return ClusterGateway("edge", cluster, inspection, Told503(lag_s), None, 9100)


@pytest.mark.parametrize(("pods", "load_ratio"), [(1, 2.0), (2, 1.0)])
def test_a_look_tells_how_much_each_of_the_canarys_pods_has_to_do(
    pods: int, load_ratio: float
) -> None:
    canary = [pod("web", f"web-canary-{n}", "canary") for n in range(pods)]
    snapshot = gateway(*canary).observe("web", ARMS, rules=1, percent=50)
    assert snapshot.load_ratio == load_ratio


@pytest.mark.parametrize(("lag_s", "share"), [(0.0, 0.5), (15.0, None)])
def test_counters_of_before_the_look_have_no_share_that_was_set(
    lag_s: float, share: float | None
) -> None:
    """It may have been another when they were taken, and they are not of one time."""
    edge = gateway(pod("web", "web-canary-0", "canary"), lag_s=lag_s)
    assert edge.observe("web", ARMS, rules=1, percent=50, share=0.5).share == share


def test_pods_that_are_not_ready_carry_nothing() -> None:
    canary = [pod("web", f"web-canary-{n}", "canary", is_ready=not n) for n in range(2)]
    assert gateway(*canary).observe("web", ARMS, rules=1, percent=50).load_ratio == 2.0


def test_what_nobody_serves_is_the_failure_of_the_canary_whose_pods_stopped_answering() -> None:
    stopped = [pod("web", f"web-canary-{n}", "canary", is_ready=False) for n in range(2)]
    edge = gateway(*stopped)
    edge.observe("web", ARMS, rules=1, percent=50)
    after = edge.observe("web", ARMS, rules=1, percent=50)
    assert after.canary.requests == {503: 10}
    assert after.stable.requests == {200: 90}
