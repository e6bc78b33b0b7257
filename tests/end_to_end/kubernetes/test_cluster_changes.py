"""What the cluster itself changes: an autoscaler's number of pods, and a node that is drained."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cluster.lifecycle import first_process
from tests.end_to_end.deployed import COMPONENT, consistent, events, until
from tests.end_to_end.kubernetes.conftest import Deploytool
from tests.end_to_end.policies import QUICK

# The manifests say two. To make the least that it may, an autoscaler needs no metrics.
LEAST, MOST = 3, 4
AUTOSCALER = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": COMPONENT},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": COMPONENT},
        "minReplicas": LEAST,
        "maxReplicas": MOST,
    },
}
# More than one of stable's two pods can serve: the canary has two as well.
SHARE = "60"
# Less than after which a pod that no node takes ends a canary.
AWAY_S = 5


@contextmanager
def autoscaled(deployed: Deploytool) -> Iterator[None]:
    """Let an autoscaler set the number of stable's pods meanwhile."""
    before = replicas(deployed)
    deployed.kubectl("apply", "--filename=-", text=json.dumps(AUTOSCALER))
    try:
        until(
            lambda: replicas(deployed) == LEAST and deployed.has_recovered(),
            what=f"the autoscaler has made {LEAST} pods",
            deadline_s=120,
        )
        yield
    finally:
        deployed.kubectl("delete", "horizontalpodautoscaler", COMPONENT)
        # The number that it has set is its own still: `up` would stop at that, as at any change by
        # somebody else, until somebody takes it back.
        deployed.kubectl("scale", f"deployment/{COMPONENT}", f"--replicas={before}")
        until(deployed.has_recovered, what="the pods too many are gone")


def replicas(deployed: Deploytool) -> int:
    """Return how many pods stable is to have."""
    found = deployed.kubectl("get", f"deployment/{COMPONENT}", "--output=jsonpath={.spec.replicas}")
    return int(found)


def test_a_canary_leaves_stable_as_many_pods_as_an_autoscaler_wants(deployed: Deploytool) -> None:
    deployed.done("up")
    declared = replicas(deployed)
    with autoscaled(deployed):
        # That is no change by somebody else.
        plan = deployed.done("plan")
        assert plan["counts"]["noop"] == len(plan["changes"])
        with deployed.visitors() as counts:
            result = deployed.done(
                "canary", COMPONENT, "--env", "TRIAL=autoscaled", "--no-load", "--steps", "30"
            )
        assert result["result"] == "promoted"
        assert counts().failures == 0, counts()
        assert deployed.stable() == result["canary"]
        assert replicas(deployed) == LEAST
        assert len(running(deployed, "stable")) == LEAST
        consistent(deployed)
    deployed.done("up")
    assert replicas(deployed) == declared
    consistent(deployed)


@contextmanager
def cordoned(deployed: Deploytool) -> Iterator[None]:
    """Let the one node take no pod meanwhile."""
    [node] = deployed.objects("nodes")
    name = node["metadata"]["name"]
    deployed.kubectl("cordon", name)
    try:
        yield
    finally:
        deployed.kubectl("uncordon", name)


def running(deployed: Deploytool, role: str) -> list[str]:
    """Return the pods of the component in a role, without those that are about to end."""
    found = deployed.objects("pods", f"app.kubernetes.io/name={COMPONENT},deploytool/role={role}")
    return [pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"]]


def evict(deployed: Deploytool, pod: str) -> None:
    """Ask for a pod to go, as `kubectl drain` does; a budget may refuse it."""
    place = f"/api/v1/namespaces/{deployed.namespace}/pods/{pod}/eviction"
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
    deployed.kubectl("create", f"--raw={place}", "--filename=-", text=json.dumps(eviction))


def test_a_canary_waits_for_a_node_to_take_its_drained_pod(deployed: Deploytool) -> None:
    if first_process() is None:
        pytest.skip("a node can be drained on the cluster of these tests alone")
    known = len(deployed.record())
    policy = {**QUICK, "least_step_s": 30}
    with deployed.declared(**policy), deployed.visitors() as counts:
        process = deployed.start(
            "canary", COMPONENT, "--env", "TRIAL=drained", "--no-load", "--steps", SHARE,
            "--output", "json",
        )  # fmt: skip
        until(
            lambda: len(events(deployed.record()[known:], "observation")) > 2,
            what="the canary is observed",
            deadline_s=120,
        )
        with cordoned(deployed):
            goes, stays = running(deployed, "stable")
            evict(deployed, goes)
            with pytest.raises(AssertionError, match="violate the pod's disruption budget"):
                evict(deployed, stays)
            evict(deployed, running(deployed, "canary")[0])
            until(lambda: len(running(deployed, "canary")) == 2, what="another pod is made")
            time.sleep(AWAY_S)
            assert process.poll() is None
        ended = deployed.ended(process)
    assert (ended.code, ended.result["result"]) == (0, "promoted"), str(ended)
    assert deployed.stable() == ended.result["canary"]
    # Of either version, the other pod has served meanwhile.
    assert counts().failures == 0, counts()
    consistent(deployed)
