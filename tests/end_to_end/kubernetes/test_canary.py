"""Canaries on the kubernetes target that are not well."""

import pytest

from tests.end_to_end.canaries import SOON_S, Canaries, lived_s
from tests.end_to_end.deployed import COMPONENT, consistent, until
from tests.end_to_end.kubernetes.conftest import ANSWER_WITHIN_S, Deploytool
from tests.end_to_end.policies import UNHURRIED

CONTAINERS = f"      containers:\n        - name: {COMPONENT}\n"
# An image that the build does not know is left as it is.
MISSING = """\
      initContainers:
        - name: missing
          image: localhost:5055/nothing-of-this-name:1
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
"""


class TestCanaries(Canaries):
    """On the kubernetes target."""


def test_an_image_that_cannot_be_pulled_ends_a_canary_soon_with_the_registrys_words(
    deployed: Deploytool,
) -> None:
    with (
        deployed.edited("base/deployments.yaml", CONTAINERS, MISSING + CONTAINERS),
        deployed.visitors() as counts,
    ):
        result = deployed.done("canary", COMPONENT, "--no-load", code=4)
    assert lived_s(deployed) < SOON_S
    assert "ImagePullBackOff" in result["reason"]
    assert "nothing-of-this-name" in result["reason"]
    assert counts().failures == 0, counts()
    consistent(deployed)


def test_requests_that_are_never_answered_are_failures_of_their_version(
    deployed: Deploytool,
) -> None:
    # A step must last longer than who hangs is waited for.
    policy = {**UNHURRIED, "steps": [50], "least_step_s": ANSWER_WITHIN_S + 3}
    # Through legacy-app, which gives up sooner, they would be slow requests before.
    declared = deployed.load()
    direct = [each for each in declared.journeys if each.name in {"stock", "reserve"}]
    load = declared.model_copy(update={"journeys": tuple(direct)})
    with deployed.declared(**policy), deployed.visitors(load=load) as counts:
        deployed.done("canary", COMPONENT, "--env", "INVENTORY_FAULT=hang:0.2", "--no-load", code=4)
    counted = deployed.counters()
    assert counted.canary.requests[504] > 0
    assert 504 not in counted.stable.requests
    assert set(counts().failures_by_kind) == {"504"}, counts()
    consistent(deployed)


def test_a_changed_manifest_rolls_that_deployment_and_no_other(deployed: Deploytool) -> None:
    deployed.done("up")
    before = {pod["metadata"]["uid"] for pod in deployed.objects("pods")}
    with deployed.edited("base/deployments.yaml", "memory: 256Mi", "memory: 260Mi"):
        plan = deployed.done("plan", code=3)
        assert [e["object"] for e in plan["changes"] if e["op"] != "noop"] == [COMPONENT]
        with deployed.visitors() as counts:
            deployed.done("up")
    after = deployed.objects("pods")
    new = {
        pod["metadata"]["labels"]["app.kubernetes.io/name"]
        for pod in after
        if pod["metadata"]["uid"] not in before
    }
    assert new == {COMPONENT}
    assert counts().failures == 0, counts()
    deployed.done("up")


@pytest.mark.parametrize(
    "command",
    [("canary", COMPONENT, "--env", "TRIAL=conflict", "--no-load"), ("rollback", COMPONENT)],
    ids=["canary", "rollback"],
)
def test_what_could_not_become_stable_is_told_before_visitors_reach_it(
    deployed: Deploytool, command: tuple[str, ...]
) -> None:
    deployed.kubectl("scale", f"deployment/{COMPONENT}", "--replicas=3")
    try:
        ended = deployed.run(*command)
    finally:
        deployed.kubectl("scale", f"deployment/{COMPONENT}", "--replicas=2")
    assert ended.code == 1, str(ended)
    for words in ("kubectl", ".spec.replicas"):
        assert words in ended.errors, str(ended)
    if (canary := deployed.status()["canary"]) is not None:
        # Then it has no share yet.
        assert canary["phase"] == "starting"
        assert deployed.done("abort")["result"] == "rolled-back"
    until(deployed.has_recovered, what="the pod too many is gone")
    consistent(deployed)


@pytest.mark.parametrize(("command", "code"), [("status", 0), ("plan", 3), ("up", 1)])
def test_a_change_by_somebody_else_is_told_with_its_owner(
    deployed: Deploytool, command: str, code: int
) -> None:
    deployed.kubectl("scale", "deployment/gateway", "--replicas=2")
    try:
        ended = deployed.run(command)
        assert ended.code == code, str(ended)
        told = ended.output + ended.errors
        assert "kubectl" in told
        assert ".spec.replicas" in told
    finally:
        deployed.kubectl("scale", "deployment/gateway", "--replicas=1")
