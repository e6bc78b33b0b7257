"""The whole system on the kubernetes target: a real cluster, under the role that is needed."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest

from deploytool.canary.observation import ArmCounters, Snapshot
from deploytool.platforms.kubernetes.routes import arms
from deploytool.record.store import TargetState
from deploytool.traffic.metrics import read_gateway
from tests.cluster import lent
from tests.end_to_end.deployed import COMPONENT, PSQL, SANDBOX, Deployed
from tests.end_to_end.kubernetes.namespace import (
    RUNTIME,
    Administrator,
    Kubectl,
    hurry,
    move,
    settle,
)

# Of this run alone: somebody may use the declared one on the same cluster.
NAMESPACE = f"test-{os.getpid()}"
ANSWER_WITHIN_S = 6


class Deploytool(Deployed):
    """deploytool with pods. admin: the kubeconfig of who made the cluster."""

    target = "kubernetes"
    namespace: ClassVar = NAMESPACE
    packages: ClassVar = {
        "legacy-app": "src.python.legacy_app/image.docker-info.json",
        "new-microservice": "src.python.new_microservice/image.docker-info.json",
        "database": "3rdparty.images.database/database.docker-info.json",
        "gateway": "3rdparty.images.gateway/gateway.docker-info.json",
        "migrations": "deploy.database/migrations.docker-info.json",
        "runtime": RUNTIME,
    }

    def __init__(self, root: Path, admin: Path) -> None:
        super().__init__(root)
        self.admin = admin
        self.environment["KUBECONFIG"] = str(root.parent / "kubeconfig")
        self.kubectl = Kubectl(admin, self.namespace, root.parent)
        self.administrator = Administrator(self.kubectl, root / "deploy" / "kubernetes")

    @contextmanager
    def in_cluster(self) -> Iterator[None]:
        """Have the system up meanwhile; leave neither pods nor what an administrator has made."""
        try:
            with self.brought_up():
                yield
            assert self.objects("pods") == []
        finally:
            self.administrator.remove_namespace()

    def make(self) -> None:
        """Lay out the folder with a namespace of its own, where deploytool has its role alone."""
        super().make()
        # To try them takes seconds, each time that everything is verified: see test_verify.py.
        self._flows = cut_out(self._declaration, "flows")
        move(self.root / "deploy" / "targets.yaml", self.namespace)
        settle(self.root / "deploy", self.namespace)
        hurry(self.root / "deploy")
        limit(self._declaration)
        self.administrator.make_namespace()
        self.administrator.write_login(Path(self.environment["KUBECONFIG"]))

    @contextmanager
    def with_flows(self) -> Iterator[None]:
        """Declare meanwhile who may connect to whom."""
        before = self._declaration.read_text()
        self._declaration.write_text(before + self._flows)
        try:
            yield
        finally:
            self._declaration.write_text(before)

    @contextmanager
    def edited(self, name: str, old: str, new: str) -> Iterator[None]:
        """Change the first such text of a manifest meanwhile."""
        file = self.root / "deploy" / "kubernetes" / name
        before = file.read_text()
        assert old in before
        file.write_text(before.replace(old, new, 1))
        try:
            yield
        finally:
            file.write_text(before)

    def objects(self, kind: str, selector: str = "") -> list[dict[str, Any]]:
        """Return the objects of a kind in the namespace."""
        return self.kubectl.objects(kind, selector)

    def pods(self, component: str) -> list[dict[str, Any]]:
        """Return the pods of a component."""
        return self.objects("pods", f"app.kubernetes.io/name={component}")

    def pid_of(self, component: str) -> int:
        """Return the process, on this machine, of a component's first pod.

        Its container's first: what its probes run comes and goes.
        """
        container = self.pods(component)[0]["status"]["containerStatuses"][0]["containerID"]
        identity = container.rpartition("/")[2]
        found = [each for each in psutil.process_iter(["create_time"]) if _is_in(each, identity)]
        if not found:
            raise LookupError(f"{component} has no process here")
        return min(found, key=lambda each: each.info["create_time"]).pid

    def psql_argv(self) -> list[str]:
        [pod] = self.pods("database")
        name = pod["metadata"]["name"]
        return self.kubectl.argv("exec", "--stdin", name, "--", *PSQL)

    def counters(self) -> Snapshot:
        """Return what the gateway's pod has counted at both backends since it was started.

        Requests that it answered itself, for want of a backend, are the canary's: that is one pod.
        """
        [pod] = self.pods("gateway")
        place = f"{self.namespace}/pods/{pod['metadata']['name']}:9100/proxy/metrics"
        text = self.kubectl("get", f"--raw=/api/v1/namespaces/{place}")
        found = read_gateway(text, self.namespace, arms(COMPONENT), rules=1)
        unserved = ArmCounters(requests={503: found.unserved})
        return Snapshot(
            taken_at=0, stable=found.arms["stable"], canary=found.arms["canary"].plus(unserved)
        )

    def saved(self) -> TargetState:
        [found] = [
            each
            for each in self.objects("configmaps")
            if each["metadata"]["name"] == "deploytool-state"
        ]
        return TargetState.model_validate_json(found["data"]["content"])

    def has_recovered(self) -> bool:
        """Tell whether every pod is up and none is on its way out."""
        pods = self.objects("pods", "app.kubernetes.io/name,!job-name")
        return not any("deletionTimestamp" in pod["metadata"] for pod in pods) and all(
            each["condition"] == "ready" for each in self.status()["instances"]
        )

    def copied(self, root: Path) -> "Deploytool":
        """Return the same system as another machine has it, where nothing was done yet."""
        shutil.copytree(self.root, root, ignore=shutil.ignore_patterns(".deploytool", "logs"))
        copy = Deploytool(root, self.admin)
        copy.environment = self.environment
        return copy

    def see_nothing_beside(self, status: dict[str, Any]) -> None:
        components = {each["component"] for each in status["instances"]}
        assert {each["metadata"]["name"] for each in self.objects("deployments")} <= components
        assert {each["metadata"]["name"] for each in self.objects("services")} <= components


def cut_out(file: Path, key: str) -> str:
    """Take a key of the top and all below it out of a file; return it."""
    text = file.read_text()
    [block] = re.findall(rf"(?m)^{key}:\n(?: .*\n)+", text)
    file.write_text(text.replace(block, ""))
    return str(block)


def limit(declaration: Path) -> None:
    """Declare that services answer within less than the clients of these tests wait for."""
    text = declaration.read_text()
    limited = f"    answer_within_s: {ANSWER_WITHIN_S}\n"
    text, count = re.subn(r"(?m)^    canary:\n", rf"{limited}\g<0>", text)
    assert count
    declaration.write_text(text)


def _is_in(process: psutil.Process, container: str) -> bool:
    try:
        return container in Path(f"/proc/{process.pid}/cgroup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture(scope="package")
def cluster() -> Iterator[Path]:
    """Leave out the tests that need a cluster where none is said to be; end one made for them."""
    if not os.environ.get("CLUSTER_FOR_TESTS") and not os.environ.get("KUBECONFIG"):
        pytest.skip("neither CLUSTER_FOR_TESTS nor KUBECONFIG is set: left out")
    with lent() as kubeconfig:
        yield kubeconfig


# Ended before the tests of the next target: they share two cores.
@pytest.fixture(scope="package")
def deployed(cluster: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deploytool]:
    """The system, up and with enough history to judge latency by."""
    assert SANDBOX.is_dir()
    tool = Deploytool(tmp_path_factory.mktemp("system") / "repository", cluster)
    with tool.in_cluster():
        yield tool


@pytest.fixture
def elsewhere(deployed: Deploytool) -> Iterator[Deploytool]:
    """The same system in the hands of another machine: what it needs to know is in the cluster."""
    root = deployed.root.with_name("elsewhere")
    yield deployed.copied(root)
    shutil.rmtree(root)
