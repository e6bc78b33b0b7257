"""Who reaches whom: exactly what is declared, tried by packets from inside pods.

Each component has two pods here that carry its name and so live under its policies: one dials, the
other one listens on every port that any component has. They never get ready, so that no Service
sends them what is meant for the component. The same without a name is a stranger; in a namespace
without policies it is the outside, which proves one direction alone.
"""

import inspect
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest

from tests.end_to_end.deployed import COMPONENT
from tests.end_to_end.kubernetes import packets
from tests.end_to_end.kubernetes.conftest import NAMESPACE, Deploytool

PROGRAM = inspect.getsource(packets)
PYTHON = "/app/bin/python"
OUTSIDE = f"{NAMESPACE}-outside"
COMPONENTS = ("database", "gateway", COMPONENT, "legacy-app", "migrations")
INSIDE = (*COMPONENTS, "stranger")
PLACES = (*INSIDE, "outside")
PORTS = (5432, 6443, 8080, 9100)
SETTLED_WITHIN_S = 30


class Flow(NamedTuple):
    source: str
    target: str
    port: int

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}:{self.port}"


# The table of docs/kubernetes.md, with what "anywhere" and "any private address" come to.
DECLARED = {
    Flow("outside", "gateway", 8080),
    Flow("gateway", COMPONENT, 8080),
    Flow("gateway", "legacy-app", 8080),
    Flow("legacy-app", "gateway", 8080),
    Flow(COMPONENT, "database", 5432),
    Flow("legacy-app", "database", 5432),
    Flow("migrations", "database", 5432),
    Flow("gateway", "API server", 443),
    Flow("gateway", "API server", 6443),
    Flow("gateway", "outside", 6443),
    *(Flow(name, "resolver", 53) for name in INSIDE),
    # No policy holds for these two, and somebody listens at each place.
    *(Flow("outside", "outside", port) for port in PORTS),
    Flow("outside", "API server", 443),
    Flow("outside", "API server", 6443),
    Flow("outside", "kubelet", 10250),
    Flow("outside", "resolver", 53),
}


class Pods:
    """The pods that stand for the components, and the addresses that they dial."""

    def __init__(self, deployed: Deploytool) -> None:
        self._deployed = deployed
        self._image = deployed.pods("legacy-app")[0]["spec"]["containers"][0]["image"]
        self._addresses: dict[tuple[str, int], str] = {}

    def start(self) -> None:
        self._kubectl("outside", "create", "namespace", OUTSIDE)
        for place in PLACES:
            pods = [self._pod(place, does) for does in ("listens", "dials")]
            self._kubectl(place, "apply", "--filename=-", text=_listed(pods))
        for place in PLACES:
            started = "--for=jsonpath={.status.containerStatuses[0].started}=true"
            names = (f"pod/{place}-listens", f"pod/{place}-dials")
            self._kubectl(place, "wait", started, "--timeout=60s", *names)
        self._find_out_addresses()

    def remove(self) -> None:
        self._kubectl("outside", "delete", "namespace", OUTSIDE, "--wait=false")
        self._kubectl("stranger", "delete", "pods", "--selector=packets", "--now")

    def table(self) -> set[Flow]:
        """Return all that gets through."""
        with ThreadPoolExecutor(len(PLACES)) as threads:
            return set().union(*threads.map(self._reached, PLACES))

    def _reached(self, source: str) -> set[Flow]:
        places = {place: name for name, place in self._addresses.items()}
        argv = (f"{source}-dials", "--", PYTHON, "-c", PROGRAM, "dial", *places)
        reached = self._kubectl(source, "exec", *argv).split()
        return {Flow(source, *places[place]) for place in reached}

    def _find_out_addresses(self) -> None:
        for place in PLACES:
            pod = self._get(place, f"pod/{place}-listens")
            for port in PORTS:
                self._note(place, port, pod["status"]["podIP"])
        [end] = self._get("outside", "--namespace=default", "endpoints/kubernetes")["subsets"]
        service = self._get("outside", "--namespace=default", "service/kubernetes")
        self._note("API server", 443, service["spec"]["clusterIP"])
        self._note("API server", end["ports"][0]["port"], end["addresses"][0]["ip"])
        node = self._get("outside", "nodes")["items"][0]
        self._note("kubelet", 10250, node["status"]["addresses"][0]["address"])
        resolver = self._get("outside", "--namespace=kube-system", "service/kube-dns")
        self._note("resolver", 53, resolver["spec"]["clusterIP"])

    def _note(self, place: str, port: int, address: str) -> None:
        self._addresses[place, port] = f"{address}:{port}"

    def _get(self, place: str, *what: str) -> Any:
        return json.loads(self._kubectl(place, "get", "--output=json", *what))

    def _kubectl(self, place: str, *arguments: str, text: str = "") -> str:
        namespace = [f"--namespace={OUTSIDE}"] if place == "outside" else []
        return self._deployed.kubectl(*namespace, *arguments, text=text)

    def _pod(self, place: str, does: str) -> dict[str, Any]:
        name = {"app.kubernetes.io/name": place} if place in COMPONENTS else {}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"{place}-{does}", "labels": {**name, "packets": does}},
            "spec": {
                "automountServiceAccountToken": False,
                # Nobody ever says so of it.
                "readinessGates": [{"conditionType": "tests/is-the-component"}],
                "terminationGracePeriodSeconds": 0,
                "securityContext": {
                    "runAsNonRoot": True,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "python",
                        "image": self._image,
                        "command": [PYTHON, "-c", PROGRAM, "serve", *map(str, PORTS)],
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "capabilities": {"drop": ["ALL"]},
                        },
                    }
                ],
            },
        }


def _listed(items: list[dict[str, Any]]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


@pytest.fixture
def pods(deployed: Deploytool) -> Iterator[Pods]:
    pods = Pods(deployed)
    try:
        pods.start()
        yield pods
    finally:
        pods.remove()


def test_every_declared_flow_gets_through_and_no_other(pods: Pods) -> None:
    # A policy engine learns of new pods some seconds after they began.
    deadline = time.monotonic() + SETTLED_WITHIN_S
    while (found := pods.table()) != DECLARED and time.monotonic() < deadline:
        time.sleep(1)
    wrong = [f"refused, though declared: {flow}" for flow in sorted(DECLARED - found)]
    wrong += [f"gets through, though not declared: {flow}" for flow in sorted(found - DECLARED)]
    assert not wrong, "\n".join(wrong)
