"""`verify` shows who reaches whom, as the packets go, and names what is not as it is declared."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from deploytool.platforms.kubernetes.objects import APPLIED, annotations_of, as_applied
from tests.end_to_end.deployed import COMPONENT, consistent
from tests.end_to_end.kubernetes.conftest import Deploytool

NAME = "app.kubernetes.io/name"
# Of deploy/system.yaml, with the ports of the pods.
LET_THROUGH = {
    f"gateway -> {COMPONENT}": 8080,
    "gateway -> legacy-app": 8080,
    f"{COMPONENT} -> database": 5432,
    "legacy-app -> gateway": 8080,
    "legacy-app -> database": 5432,
}
REFUSED = {
    "database -> gateway": (8080, 9100),
    f"database -> {COMPONENT}": (8080,),
    "database -> legacy-app": (8080,),
    "gateway -> database": (5432,),
    f"{COMPONENT} -> gateway": (8080, 9100),
    f"{COMPONENT} -> legacy-app": (8080,),
    "legacy-app -> gateway": (9100,),
    f"legacy-app -> {COMPONENT}": (8080,),
}


@pytest.fixture(autouse=True)
def _declared(deployed: Deploytool) -> Iterator[None]:
    with deployed.with_flows():
        yield


def flows(deployed: Deploytool, code: int = 0) -> list[dict[str, Any]]:
    """Return the checks that are about flows.

    code: of the exit, once the engine has taken up what was changed.
    """
    for _ in range(3):
        ended = deployed.run("verify", "--output", "json")
        if ended.code == code:
            break
    assert ended.code == code, str(ended)
    return [each for each in ended.result["checks"] if "->" in each["object"]]


def failed(deployed: Deploytool) -> list[tuple[str, str, str]]:
    """Return the flows that are not as declared, as somebody is told them."""
    wrong = [each for each in flows(deployed, code=1) if each["is_true"] is False]
    return [(each["object"], each["statement"], each["found"]) for each in wrong]


@contextmanager
def leaking(deployed: Deploytool, source: str, target: str) -> Iterator[None]:
    """Allow what is not declared meanwhile, in both directions, as somebody might by hand."""
    out, into = (
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": f"by-hand-{kind}".lower()},
            "spec": {
                "podSelector": {"matchLabels": {NAME: held}},
                "policyTypes": [kind],
                kind.lower(): [{way: [{"podSelector": {"matchLabels": {NAME: other}}}]}],
            },
        }
        for kind, way, held, other in (
            ("Egress", "to", source, target),
            ("Ingress", "from", target, source),
        )
    )
    policies = json.dumps({"apiVersion": "v1", "kind": "List", "items": [out, into]})
    deployed.kubectl("apply", "--filename=-", text=policies)
    try:
        yield
    finally:
        deployed.kubectl("delete", "--filename=-", text=policies)


@contextmanager
def cut(deployed: Deploytool, source: str, target: str) -> Iterator[None]:
    """Take a flow out of the policy of its source meanwhile.

    Under deploytool's own name: it would take what anybody else has set for theirs, also later on.
    """
    policy = json.loads(deployed.kubectl("get", "networkpolicy", source, "--output=json"))
    whole = as_applied(policy, annotations_of(policy)[APPLIED])
    rest = [each for each in whole["spec"]["egress"] if target not in json.dumps(each)]
    assert len(rest) == len(whole["spec"]["egress"]) - 1
    _apply(deployed, {**whole, "spec": {**whole["spec"], "egress": rest}})
    try:
        yield
    finally:
        _apply(deployed, whole)


def _apply(deployed: Deploytool, item: dict[str, Any]) -> None:
    argv = ("--server-side", "--field-manager=deploytool", "--filename=-")
    deployed.kubectl("apply", *argv, text=json.dumps(item))


def test_exactly_the_declared_flows_get_through(deployed: Deploytool) -> None:
    checks = flows(deployed)
    assert all(each["is_true"] for each in checks)
    found = {(each["object"], each["statement"]): each["found"] for each in checks}
    expected = {
        (name, "is let through"): f"port {port} was reached" for name, port in LET_THROUGH.items()
    }
    for name, ports in REFUSED.items():
        told = "; ".join(f"port {port} was refused" for port in ports)
        expected[name, "is refused"] = told
    assert found == expected


def test_a_policy_that_allows_more_is_found(deployed: Deploytool) -> None:
    with leaking(deployed, "legacy-app", COMPONENT):
        [(name, statement, found)] = failed(deployed)
    assert (name, statement) == (f"legacy-app -> {COMPONENT}", "is refused")
    assert found.startswith("port 8080 was reached")


def test_a_policy_that_allows_less_is_found(deployed: Deploytool) -> None:
    with cut(deployed, "legacy-app", "gateway"):
        [(name, statement, found)] = failed(deployed)
    assert (name, statement) == ("legacy-app -> gateway", "is let through")
    # And in which words the program said so.
    assert found.startswith("port 8080 was refused: ")
    consistent(deployed)
