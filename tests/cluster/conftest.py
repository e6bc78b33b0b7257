"""The cluster of this folder, and a namespace of it for each test."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.cluster.building import build
from tests.cluster.images import PROBE
from tests.cluster.kubectl import kubectl
from tests.cluster.layout import log
from tests.cluster.lifecycle import lent
from tests.cluster.waiting import ClusterFailed, wait_until

PORT = 8080
LEFT_OUT = (
    "left out: a cluster needs root and its programs; "
    "with them, run `CLUSTER_FOR_TESTS=1 ./pants test tests/cluster::`"
)


@dataclass(frozen=True)
class Namespace:
    """One namespace, and what tests do in it."""

    built: Path
    name: str

    def kubectl(self, *arguments: str, text: str = "") -> str:
        return kubectl(self.built, f"--namespace={self.name}", *arguments, text=text)

    def apply(self, kind: str, name: str, spec: Mapping[str, Any], version: str = "v1") -> None:
        labels = {"app": name}
        content = {
            "apiVersion": version,
            "kind": kind,
            "metadata": {"name": name, "labels": labels},
            "spec": spec,
        }
        self.kubectl("apply", "--filename=-", text=json.dumps(content))

    def start_pod(self, name: str, image: str = PROBE, **spec: Any) -> None:
        """Start one that serves its own name, and wait until it does."""
        probe = {"httpGet": {"path": "/", "port": PORT}, "periodSeconds": 1}
        container = {
            "name": "probe",
            "image": image,
            "imagePullPolicy": "Never" if image == PROBE else "Always",
            "args": ["serve", str(PORT)],
            "readinessProbe": probe,
        }
        mounts = [{"name": each["name"], "mountPath": "/kept"} for each in spec.get("volumes", ())]
        at_once = {"terminationGracePeriodSeconds": 0}
        containers = [{**container, "volumeMounts": mounts}]
        self.apply("Pod", name, {"containers": containers, **at_once, **spec})
        # Controllers that an API server turned away come back to it within a minute.
        self.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=120s")

    def get(self, pod: str, url: str) -> str | None:
        """Return what a pod is answered at an address, None if it is not."""
        try:
            return self.kubectl("exec", pod, "--", "/probe", "get", url)
        except ClusterFailed:
            return None


def await_true(what: str, is_so: Callable[[], bool]) -> None:
    wait_until(what, is_so, timeout_s=30, log=log("kube-router"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave what needs a cluster for the end: its programs may still be built meanwhile."""
    items.sort(key=lambda item: "cluster" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="package")
def cluster() -> Iterator[Path]:
    """Have it up; yield the folder of its programs.

    Where one was up before, one is up afterwards: not the same, as some tests here kill it.
    """
    if not os.environ.get("CLUSTER_FOR_TESTS"):
        pytest.skip(LEFT_OUT)
    with lent():
        yield build()


@pytest.fixture
def namespace(cluster: Path) -> Iterator[Namespace]:
    name = f"test-{uuid4().hex[:8]}"
    kubectl(cluster, "create", "namespace", name)
    yield Namespace(cluster, name)
    kubectl(cluster, "delete", "namespace", name, "--wait=false")
