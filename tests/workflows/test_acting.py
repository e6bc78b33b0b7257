"""The workflows as act runs them: what is called in which order, with what, and what stops it.

The steps' own commands have stand-ins here, which only write down that they were called:
tests/end_to_end/delivery runs the real ones.
"""

import os
import shutil
from pathlib import Path

import pytest

from tests.workflows.acting import SANDBOX, Acting, Ran, commit

# Writes down its name and arguments, and does what the test wants of it.
STAND_IN = """#!/usr/bin/env bash
set -euo pipefail
step="$(basename "$0")"
echo "$step $*" >>"{calls}"
case "$step $*" in
{cases}
esac
"""
RELEASE = 'release\\ *) mkdir -p dist/release; echo "{}" >dist/release/release.json;;'
DEPLOYED = """deploy\\ *)
  [[ -f "$2" ]]
  mkdir -p reports
  echo "<p>$1" >"reports/$1.html"
  echo "$1: promoted" >>"$GITHUB_STEP_SUMMARY";;"""
GOOD = [
    "prepare engine",
    "login registry.example/shop",
    "release registry.example/shop",
    "prepare deployment",
    "login registry.example/shop",
    "deploy staging dist/release/release.json",
    "prepare deployment",
    "login registry.example/shop",
    "deploy production dist/release/release.json",
]


class Pipeline:
    """A small repository with the workflows, and steps that are no more than their calls."""

    def __init__(self, place: Path) -> None:
        self.calls_file = place / "calls"
        self.clone = place / "clone"
        self.clone.mkdir()
        shutil.copytree(SANDBOX / ".github", self.clone / ".github")
        self.acting = Acting(
            self.clone, place / "home", variables={"REGISTRY": "registry.example/shop"}
        )

    def steps(self, *cases: str) -> None:
        folder = self.clone / ".ci"
        folder.mkdir()
        text = STAND_IN.replace("{calls}", str(self.calls_file)).replace(
            "{cases}", "\n".join(cases)
        )
        for name in (
            *("prepare", "login", "release", "origin", "deploy", "decide", "report", "comment"),
        ):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        commit(self.clone, "a change")

    def edit(self, workflow: str, before: str, after: str) -> None:
        path = self.clone / ".github" / "workflows" / workflow
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))

    def push(self) -> Ran:
        return self.acting.run("push", "release.yml")

    @property
    def calls(self) -> list[str]:
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    return Pipeline(tmp_path)


def released_and_deployed(pipeline: Pipeline, ran: Ran) -> None:
    """See that a push to main went all the way."""
    assert ran.code == 0, ran.said
    assert pipeline.calls == GOOD
    assert ran.summaries == {
        "deploy to staging": "staging: promoted\n",
        "deploy to production": "production: promoted\n",
    }
    kept = pipeline.acting.artifacts
    assert (kept / "release" / "release.json").is_file()
    for target in ("staging", "production"):
        assert (kept / f"deployment-{target}" / "reports" / f"{target}.html").is_file()


def test_a_push_to_main_is_released_once_then_deployed_to_staging_then_to_production(
    pipeline: Pipeline,
) -> None:
    pipeline.steps(RELEASE, DEPLOYED)
    released_and_deployed(pipeline, pipeline.push())


def test_a_job_has_the_path_by_which_pants_built_what_is_tested(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    pipeline.steps(f'release\\ *) printf "%s" "$PATH" >{tmp_path}/path;;')
    pipeline.push()
    assert (tmp_path / "path").read_text() == os.environ["PATH"]


@pytest.mark.parametrize(
    ("workflow", "before", "after"),
    [
        ("release.yml", "run: .ci/release ", "run: .ci/releese "),
        ("release.yml", 'run: .ci/release "$REGISTRY"', "run: .ci/release"),
        ("release.yml", "path: dist/release\n", "path: dist/relaese\n"),
        ("release.yml", "run: ${{ github.run_id }}", "run: ${{ needs.build.outputs.run }}"),
        ("release.yml", "needs: staging", "needs: build"),
        ("deploy.yml", "path: dist/release\n", "path: dist\n"),
        ("deploy.yml", "TARGET: ${{ inputs.target }}", "TARGET: ${{ inputs.traget }}"),
        ("deploy.yml", "            reports\n", "            report\n"),
    ],
)
def test_a_broken_step_or_output_is_found(
    pipeline: Pipeline, workflow: str, before: str, after: str
) -> None:
    # What has no real order is refused: production may only follow staging.
    slow = DEPLOYED.replace('[[ -f "$2" ]]', '[[ -f "$2" ]]; [[ $1 != staging ]] || sleep 1')
    pipeline.edit(workflow, before, after)
    pipeline.steps(RELEASE, slow)
    with pytest.raises(AssertionError):
        released_and_deployed(pipeline, pipeline.push())


@pytest.mark.parametrize("code", [1, 4, 5, 6])
def test_what_is_not_promoted_on_staging_is_red_and_never_reaches_production(
    pipeline: Pipeline, code: int
) -> None:
    told = (
        f'deploy\\ *) echo "why" >>"$GITHUB_STEP_SUMMARY"; mkdir logs; touch logs/x; exit {code};;'
    )
    pipeline.steps(RELEASE, told)
    ran = pipeline.push()
    assert ran.code == 1
    assert pipeline.calls == GOOD[:6]
    assert ran.summaries == {"deploy to staging": "why\n"}
    # What is known of it is kept all the same.
    assert (pipeline.acting.artifacts / "deployment-staging" / "logs" / "x").is_file()


def test_without_a_runner_that_reaches_a_target_nothing_is_deployed(pipeline: Pipeline) -> None:
    pipeline.steps(RELEASE, DEPLOYED)
    pipeline.acting.variables = {**pipeline.acting.variables, "DEPLOY_RUNNER": ""}
    assert pipeline.push().code == 0
    assert pipeline.calls == GOOD[:3]


def test_a_failed_release_deploys_nothing(pipeline: Pipeline) -> None:
    pipeline.steps("release\\ *) exit 1;;", DEPLOYED)
    assert pipeline.push().code == 1
    assert pipeline.calls == GOOD[:3]


def test_a_key_reaches_the_step_that_signs_and_no_other(pipeline: Pipeline) -> None:
    asked = 'echo "$(basename "$0") ${SIGNING_KEY-}" >>"$ARTIFACTS/keys"'
    pipeline.steps(f"*) {asked};;&", RELEASE, DEPLOYED)
    pipeline.acting.secrets = {"SIGNING_KEY": "a-private-key"}
    ran = pipeline.push()
    assert ran.code == 0, ran.said
    keys = (pipeline.acting.artifacts / "keys").read_text().splitlines()
    assert [each for each in keys if "a-private-key" in each] == ["release a-private-key"]
    assert "a-private-key" not in ran.log


@pytest.mark.parametrize("command", ["abort", "promote"])
def test_a_decision_is_a_workflow_that_a_person_starts(pipeline: Pipeline, command: str) -> None:
    pipeline.steps()
    _release_kept(pipeline)
    ran = pipeline.acting.run("workflow_dispatch", f"{command}.yml", target="production", run="7")
    assert ran.code == 0, ran.said
    assert pipeline.calls[-1] == f"decide production dist/release/release.json {command}"


@pytest.mark.parametrize(("revision", "words"), [("", ""), ("3a6991eb22d7", " --to=3a6991eb22d7")])
def test_a_rollback_names_what_goes_back_and_may_name_where_to(
    pipeline: Pipeline, revision: str, words: str
) -> None:
    pipeline.steps()
    _release_kept(pipeline)
    ran = pipeline.acting.run(
        *("workflow_dispatch", "rollback.yml"),
        target="production", run="7", component="new-microservice", revision=revision,
    )  # fmt: skip
    assert ran.code == 0, ran.said
    called = f"decide production dist/release/release.json rollback new-microservice{words}"
    assert pipeline.calls[-1] == called


def test_a_release_of_before_can_be_deployed_by_hand(pipeline: Pipeline) -> None:
    pipeline.steps(DEPLOYED)
    _release_kept(pipeline)
    ran = pipeline.acting.run("workflow_dispatch", "deploy.yml", target="staging", run="7")
    assert ran.code == 0, ran.said
    assert pipeline.calls[0] == "origin 7"
    assert pipeline.calls[-1] == "deploy staging dist/release/release.json"


@pytest.mark.parametrize("workflow", ["deploy.yml", "abort.yml"])
def test_the_tool_of_a_run_that_released_nothing_of_main_is_never_started(
    pipeline: Pipeline, workflow: str
) -> None:
    pipeline.steps("origin\\ *) exit 2;;", DEPLOYED)
    _release_kept(pipeline)
    ran = pipeline.acting.run("workflow_dispatch", workflow, target="staging", run="7")
    assert ran.code == 1, ran.said
    assert pipeline.calls == ["origin 7"]


def test_a_pull_request_is_compared_with_its_own_base_branch(pipeline: Pipeline) -> None:
    pipeline.steps('report\\ *) mkdir -p dist/report; echo "text" >dist/report/report.md;;')
    ran = pipeline.acting.run(
        "pull_request", "report.yml", {"pull_request": {"base": {"ref": "release-1"}}}
    )
    assert ran.code == 0, ran.said
    assert pipeline.calls == ["prepare engine", "report origin/release-1"]
    assert (pipeline.acting.artifacts / "report" / "report.md").read_text() == "text\n"


@pytest.mark.parametrize(
    ("event", "called"), [("pull_request", ["comment dist/report/report.md"]), ("push", [])]
)
def test_the_report_of_a_pull_request_is_put_under_it(
    pipeline: Pipeline, event: str, called: list[str]
) -> None:
    pipeline.steps('comment\\ *) [[ "$HEAD_OWNER $HEAD_BRANCH $HEAD_SHA" == "ada topic abc" ]];;')
    report = pipeline.acting.artifacts / "report"
    report.mkdir(parents=True)
    (report / "report.md").write_text("text")
    told = {
        "id": 7,
        "event": event,
        "head_repository": {"owner": {"login": "ada"}},
        "head_branch": "topic",
        "head_sha": "abc",
    }
    ran = pipeline.acting.run("workflow_run", "comment.yml", {"workflow_run": told})
    assert ran.code == 0, ran.said
    assert pipeline.calls == called


def _release_kept(pipeline: Pipeline) -> None:
    folder = pipeline.acting.artifacts / "release"
    folder.mkdir(parents=True)
    (folder / "release.json").write_text("{}")
