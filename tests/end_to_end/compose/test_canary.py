"""The main job on the compose target."""

import json

from tests.end_to_end.canaries import Canaries
from tests.end_to_end.compose.conftest import Deploytool
from tests.end_to_end.deployed import COMPONENT


class TestCanaries(Canaries):
    """On the compose target."""


def test_a_detached_canary_goes_on_by_itself_and_can_be_aborted(deployed: Deploytool) -> None:
    before = deployed.stable()["revision"]
    deployed.done("canary", COMPONENT, "--env", "TRIAL=detached", "--no-load", "--detach")
    assert deployed.status()["holder"] is not None
    assert deployed.done("abort")["result"] == "rolled-back"
    assert deployed.stable()["revision"] == before


def test_the_logs_are_those_of_the_components_named(deployed: Deploytool) -> None:
    ended = deployed.run("logs", COMPONENT, "database", "--lines", "20", "--output", "json")
    assert ended.code == 0, str(ended)
    lines = [json.loads(line) for line in ended.output.splitlines()]
    assert {line["component"] for line in lines} == {COMPONENT, "database"}


def test_what_did_not_change_is_not_restarted(deployed: Deploytool) -> None:
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
