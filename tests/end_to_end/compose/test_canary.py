"""Canaries on the compose target that are not well."""

from tests.end_to_end.canaries import Canaries, stopped
from tests.end_to_end.compose.conftest import Deploytool
from tests.end_to_end.deployed import COMPONENT


class TestCanaries(Canaries):
    """On the compose target."""


def test_a_process_that_is_stopped_loses_its_visitors_and_is_rolled_back(
    deployed: Deploytool,
) -> None:
    result = stopped(deployed, lambda: deployed.pid_of(f"{COMPONENT}-canary"))
    assert result["reason"].startswith("the canary has not answered its readiness path for 3 s: ")


def test_what_did_not_change_is_not_restarted(deployed: Deploytool) -> None:
    deployed.done("up")
    before = {each["Id"]: each["State"]["StartedAt"] for each in deployed.containers()}
    assert deployed.done("plan")["counts"]["noop"] == len(deployed.done("plan")["changes"])
    deployed.done("up")
    after = {each["Id"]: each["State"]["StartedAt"] for each in deployed.containers()}
    assert after == before


def test_a_changed_section_is_a_revision_and_only_its_container_is_replaced(
    deployed: Deploytool,
) -> None:
    file = deployed.root / "deploy" / "compose" / "compose.yaml"
    text = file.read_text()
    section = text.index("\n  new-microservice:")
    before = {each["Id"] for each in deployed.containers()}
    file.write_text(
        text[:section] + text[section:].replace("mem_limit: 256m", "mem_limit: 300m", 1)
    )
    try:
        plan = deployed.done("plan", code=3)
        assert {each["Id"] for each in deployed.containers()} == before, "a plan touches nothing"
        assert [each["object"] for each in plan["changes"] if each["op"] != "noop"] == [COMPONENT]
        deployed.done("up")
    finally:
        file.write_text(text)
    new = [each for each in deployed.containers() if each["Id"] not in before]
    assert [each["HostConfig"]["Memory"] for each in new] == [300 * 2**20]
    deployed.done("up")
