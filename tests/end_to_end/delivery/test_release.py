"""From a push to main to production: release.yml and deploy.yml as they are, run by act.

Staging is a Docker engine, production a namespace of a cluster. The tests build on each other: a
first release, a good one after it, a bad one, and a way back.
"""

from typing import Any

import yaml

from tests.end_to_end.delivery.conftest import Team

COMPONENT = "new-microservice"
COMPONENTS = ("database", "gateway", "legacy-app", COMPONENT)


def test_a_first_release_reaches_both_targets(team: Team) -> None:
    ran = team.push("Take the repository over")
    assert ran.code == 0, ran.said
    for target in team.targets:
        runs_what_was_released(team, target)
        assert f"{target}: ✅ promoted" in ran.summaries[f"deploy to {target}"], ran.said
    for secret in secrets(team):
        assert secret not in ran.log


def test_a_good_change_is_promoted_by_canary_on_staging_then_on_production(team: Team) -> None:
    before = team.release()
    team.set("TRIAL", "good")
    ran = team.push("A good change")
    assert ran.code == 0, ran.said
    for target in team.targets:
        runs_what_was_released(team, target)
        told = ran.summaries[f"deploy to {target}"]
        assert f"{target}: ✅ promoted" in told
        assert f"**{COMPONENT}**" in told
        assert "requests" in told
        reports = team.acting.artifacts / f"deployment-{target}" / "reports"
        assert list(reports.glob("*.html"))
    assert team.release()["commit"] != before["commit"]


def test_a_bad_change_is_rolled_back_on_staging_and_never_reaches_production(team: Team) -> None:
    before = {name: (stable_of(team, name), each.running()) for name, each in team.targets.items()}
    # Seldom enough for its smoke request to be answered in one of five tries: traffic finds it out.
    team.set("INVENTORY_FAULT", "error:0.2")
    ran = team.push("A bad change")
    assert ran.code == 1, ran.said
    told = ran.summaries["deploy to staging"]
    assert "staging: ❌ rolled back" in told
    assert "canary requests failed" in told
    assert "deploy to production" not in ran.summaries
    after = {name: (stable_of(team, name), each.running()) for name, each in team.targets.items()}
    assert after == before


def test_the_release_before_comes_back_by_rollback(team: Team) -> None:
    status = team.tool("production", "status")
    before = status["earlier"][COMPONENT][0]["id"]
    ran = team.acting.run(
        *("workflow_dispatch", "rollback.yml"),
        target="production", run="1", component=COMPONENT, revision="",
    )  # fmt: skip
    assert ran.code == 0, ran.said
    assert stable_of(team, "production") == before


def runs_what_was_released(team: Team, target: str) -> None:
    """See that what runs on a target are the very digests of the release file."""
    released: dict[str, Any] = team.release()["images"]
    wanted = {(component, released[component]["image"]) for component in COMPONENTS}
    assert team.targets[target].running() == wanted


def stable_of(team: Team, target: str) -> str:
    instances = team.tool(target, "status")["instances"]
    [found] = [each for each in instances if each["component"] == COMPONENT]
    return str(found["revision"])


def secrets(team: Team) -> list[str]:
    """Return what no log may say: the password of the key, and by what the cluster knows us."""
    [user] = yaml.safe_load(team.login.read_text())["users"]
    return [team.acting.secrets["COSIGN_PASSWORD"], user["user"]["token"]]
