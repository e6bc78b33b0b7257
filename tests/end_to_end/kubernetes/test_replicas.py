"""A canary without a router that has weights: an Ingress, one Service, a ratio of pods."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from tests.end_to_end.canaries import in_total, observed
from tests.end_to_end.deployed import COMPONENT, consistent, events
from tests.end_to_end.kubernetes.conftest import Deploytool
from tests.end_to_end.policies import UNHURRIED

# One canary pod beside four is 20 %, two are 33 %: the shares can be had exactly.
STABLE, STEPS = 4, {0: 0.20, 1: 0.33}
BASE = "resources:\n  - ../../base\n"
BEHIND_AN_INGRESS = f"""\
components:
  - ../../components/ingress
replicas:
  - {{name: {COMPONENT}, count: {STABLE}}}
"""
PORT = "    metrics_port: 9100\n"


class ByReplicas(Deploytool):
    """deploytool where nothing but the number of pods makes a share."""

    namespace: ClassVar = f"test-replicas-{os.getpid()}"

    def make(self) -> None:
        """Take the Gateway API out of the manifests, and make enough pods for a ratio."""
        super().make()
        overlay = self.root / "deploy" / "kubernetes" / "overlays" / "local" / "kustomization.yaml"
        targets = self.root / "deploy" / "targets.yaml"
        for file, old, new in (
            (overlay, BASE, BEHIND_AN_INGRESS),
            (targets, PORT, "    sharing: replicas\n"),
        ):
            text = file.read_text()
            assert text.count(old) == 1
            file.write_text(text.replace(old, old + new))
        # Half a dozen pods more than elsewhere: a node for tests has room if they reserve little.
        for file in (self.root / "deploy" / "kubernetes" / "base").glob("*.yaml"):
            file.write_text(re.sub(r"cpu: \d+m", "cpu: 5m", file.read_text()))


@pytest.fixture(scope="module")
def shared(cluster: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ByReplicas]:
    """The system, up behind an Ingress."""
    tool = ByReplicas(tmp_path_factory.mktemp("replicas") / "repository", cluster)
    with tool.in_cluster():
        yield tool


def test_a_healthy_canary_gets_the_share_of_its_pods_and_is_promoted(shared: ByReplicas) -> None:
    before, known = shared.stable(), len(shared.record())
    # At each step some hundred requests to the canary, by which its share is measured.
    policy = {**UNHURRIED, "tolerance": 0.03}
    with shared.declared(**policy), shared.visitors(80) as counts:
        result = shared.done(
            "canary", COMPONENT, "--env", "TRIAL=ratio", "--no-load", "--steps", "20,33"
        )
    assert result["result"] == "promoted"
    assert shared.stable() == result["canary"] != before
    assert counts().requests > 0
    assert counts().failures == 0, counts()
    for step, share in STEPS.items():
        seen = in_total(observed(shared.record()[known:], step))
        assert seen.requests > 0
        assert seen.canary.answered / seen.requests == pytest.approx(share, abs=0.07), seen
    nothing_is_left(shared)


def test_errors_are_seen_in_the_pods_own_counters_and_rolled_back(shared: ByReplicas) -> None:
    before = shared.stable()
    with shared.visitors():
        result = shared.done(
            "canary", COMPONENT, "--env", "INVENTORY_FAULT=error:0.2", "--no-load",
            "--steps", "20,33", code=4,
        )  # fmt: skip
    assert result["result"] == "rolled-back"
    assert result["reason"].startswith("errors:")
    assert "status 500" in result["reason"]
    assert shared.stable() == before
    nothing_is_left(shared)


def nothing_is_left(shared: ByReplicas) -> None:
    """See stable alone, behind the Service as the manifests have it."""
    consistent(shared)
    [service] = shared.objects("services", f"app.kubernetes.io/name={COMPONENT}")
    assert service["spec"]["selector"]["deploytool/role"] == "stable"
    assert "deploytool/canary-percent" not in service["metadata"]["annotations"]
    ready = [pod for pod in shared.pods(COMPONENT) if pod["status"]["phase"] == "Running"]
    assert len(ready) == STABLE
    assert events(shared.record(), "weight-set")
