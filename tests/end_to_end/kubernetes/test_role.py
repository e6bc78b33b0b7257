"""Under a role that lacks something it says so; whoever may grant it can see what."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import yaml

from tests.end_to_end.deployed import consistent
from tests.end_to_end.kubernetes.conftest import NAMESPACE, Deploytool
from tests.end_to_end.kubernetes.namespace import ACCOUNT


@contextmanager
def lacking(deployed: Deploytool, resource: str) -> Iterator[None]:
    """Take all rights to a resource out of deploytool's role meanwhile."""
    whole = deployed.administrator.manifest("deploytool-role.yaml")
    items = list(yaml.safe_load_all(whole))
    for item in items:
        if item["kind"] == "Role":
            item["rules"] = [rule for rule in item["rules"] if resource not in rule["resources"]]
    deployed.kubectl("apply", "--filename=-", text=yaml.safe_dump_all(items))
    try:
        yield
    finally:
        deployed.kubectl("apply", "--filename=-", text=whole)


@pytest.mark.parametrize("command", ["plan", "up"])
def test_what_the_role_does_not_allow_is_named_with_who_may_grant_it(
    deployed: Deploytool, command: str
) -> None:
    with lacking(deployed, "networkpolicies"):
        ended = deployed.run(command)
    assert ended.code == 1, str(ended)
    for words in (
        "the cluster does not allow",
        f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}",
        'resource "networkpolicies"',
        f'in the namespace "{NAMESPACE}"',
        "have an administrator grant it",
        "deploy/kubernetes/deploytool-role.yaml",
    ):
        assert words in ended.errors, str(ended)
    consistent(deployed)


def test_without_the_right_to_try_connections_no_flow_is_called_true(deployed: Deploytool) -> None:
    with lacking(deployed, "pods/exec"), deployed.with_flows():
        checks = deployed.done("verify", code=1)["checks"]
    assert not [each for each in checks if "->" in each["object"]]
    told = [each for each in checks if each["statement"] == "opens the declared connections alone"]
    components = {each["component"] for each in deployed.status()["instances"]}
    assert {each["object"] for each in told} == components
    for each in told:
        assert each["is_true"] is False
        assert 'resource "pods/exec"' in each["found"]
    consistent(deployed)
