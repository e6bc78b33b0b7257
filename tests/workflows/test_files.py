"""What the workflows must say though act passes it over, and the linters know nothing of it."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.acting import SANDBOX, commit, read_workflows

FOLDER = SANDBOX / ".github" / "workflows"
WORKFLOWS = read_workflows(FOLDER)
JOBS = [
    pytest.param(job, id=f"{file}:{name}")
    for file, workflow in WORKFLOWS.items()
    for name, job in workflow["jobs"].items()
]
STEPS = [
    pytest.param(step, id=f"{file}:{name}:{step.get('name', number)}")
    for file, workflow in WORKFLOWS.items()
    for name, job in workflow["jobs"].items()
    for number, step in enumerate(job.get("steps", []))
]
CHANGES_TARGETS = ("deploy.yml", "decide.yml")
# These compare with another commit.
NEEDS_HISTORY = re.compile(r"\.ci/(select|report|deploy)\b|\.ci/run \S*(main|BASE|base)")


@pytest.mark.parametrize("file", WORKFLOWS)
def test_nothing_is_permitted_but_what_a_job_is_granted(file: str) -> None:
    assert WORKFLOWS[file]["permissions"] == {}


@pytest.mark.parametrize("job", JOBS)
def test_each_job_says_what_it_may_do(job: dict[str, Any]) -> None:
    assert isinstance(job["permissions"], dict)


@pytest.mark.parametrize("job", JOBS)
def test_each_job_ends_some_time(job: dict[str, Any]) -> None:
    # Of a called workflow its own jobs say so.
    assert "uses" in job or job["timeout-minutes"] <= 180


@pytest.mark.parametrize("step", STEPS)
def test_each_step_ends_some_time_and_has_a_name(step: dict[str, Any]) -> None:
    assert step["timeout-minutes"] <= 120
    assert step["name"]


@pytest.mark.parametrize("job", JOBS)
def test_a_job_outlasts_the_longest_of_its_steps(job: dict[str, Any]) -> None:
    steps = [step["timeout-minutes"] for step in job.get("steps", [])]
    assert not steps or max(steps) < job["timeout-minutes"]


@pytest.mark.parametrize("job", JOBS)
def test_a_job_that_runs_what_is_in_the_repository_checks_it_out_first(job: dict[str, Any]) -> None:
    for step in job.get("steps", []):
        if is_check_out(step):
            return
        assert ".ci/" not in step.get("run", ""), step["name"]
        assert "./" not in step.get("uses", ""), step["name"]


@pytest.mark.parametrize("job", JOBS)
def test_a_job_that_compares_commits_has_the_whole_history(job: dict[str, Any]) -> None:
    steps = job.get("steps", [])
    if not any(NEEDS_HISTORY.search(step.get("run", "")) for step in steps):
        return
    [check_out] = [step for step in steps if is_check_out(step)]
    assert check_out["with"]["fetch-depth"] == 0


@pytest.mark.parametrize("step", STEPS)
def test_actions_of_others_are_pinned_and_leave_no_credentials(step: dict[str, Any]) -> None:
    used = step.get("uses", "")
    if not used or used.startswith("./"):
        return
    name, _, ref = used.partition("@")
    assert name.startswith("actions/"), "only GitHub's own"
    assert re.fullmatch(r"[0-9a-f]{40}", ref)
    if name == "actions/checkout":
        assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("file", WORKFLOWS)
def test_a_pinned_action_says_its_version_and_is_everywhere_the_same(file: str) -> None:
    everywhere = "".join(path.read_text() for path in FOLDER.parent.rglob("*.yml"))
    for line in (FOLDER / file).read_text().splitlines():
        if found := re.search(r"uses: (actions/\S+)@(\S+)", line):
            assert re.search(r"# v\d+\.\d+\.\d+$", line)
            assert set(re.findall(rf"{found[1]}@(\S+)", everywhere)) == {found[2]}


@pytest.mark.parametrize("file", WORKFLOWS)
def test_no_name_moves_from_one_release_to_the_next(file: str) -> None:
    text = (FOLDER / file).read_text()
    assert ":latest" not in text
    assert "-latest" not in text


@pytest.mark.parametrize("file", WORKFLOWS)
def test_what_a_fork_can_start_has_no_secrets(file: str) -> None:
    triggers = WORKFLOWS[file]["on"]
    assert "pull_request_target" not in triggers
    if "pull_request" in triggers:
        assert not re.search(r"secrets(\.\w|:)", (FOLDER / file).read_text())
        granted = [job["permissions"] for job in WORKFLOWS[file]["jobs"].values()]
        assert all(set(each.values()) <= {"read"} for each in granted)


@pytest.mark.parametrize("job", JOBS)
def test_a_job_has_secrets_only_by_an_environment_which_main_alone_may_use(
    job: dict[str, Any],
) -> None:
    if re.search(r"secrets\.\w", str(job)):
        assert job["environment"] in {"release", "${{ inputs.target }}"}


@pytest.mark.parametrize("file", WORKFLOWS)
def test_what_a_pull_request_can_start_runs_on_no_machine_that_signs_or_deploys(file: str) -> None:
    if "pull_request" in WORKFLOWS[file]["on"]:
        assert not re.search(r"vars\.(BUILD|DEPLOY)_RUNNER", (FOLDER / file).read_text())


def test_what_may_comment_runs_nothing_of_the_pull_request() -> None:
    [job] = WORKFLOWS["comment.yml"]["jobs"].values()
    [check_out] = [step for step in job["steps"] if is_check_out(step)]
    # Without a ref that is main.
    assert set(check_out["with"]) == {"persist-credentials"}
    for step in job["steps"]:
        assert "dist/" not in step.get("run", "").partition(" ")[0]
        assert "${{" not in step.get("run", "")


@pytest.mark.parametrize("file", CHANGES_TARGETS)
def test_what_changes_a_target_is_never_cancelled_and_one_at_a_time(file: str) -> None:
    assert "concurrency" not in WORKFLOWS[file]
    for job in WORKFLOWS[file]["jobs"].values():
        assert job["concurrency"]["cancel-in-progress"] is False
        assert "${{ inputs.target }}" in job["concurrency"]["group"]


def test_a_canary_can_be_aborted_while_its_deployment_runs() -> None:
    groups = {
        job["concurrency"]["group"]
        for file in CHANGES_TARGETS
        for job in WORKFLOWS[file]["jobs"].values()
    }
    assert len(groups) == len(CHANGES_TARGETS)


def test_a_rollback_that_waits_is_replaced_by_no_other_ones() -> None:
    [job] = WORKFLOWS["decide.yml"]["jobs"].values()
    decided = ("target", "command", "component")
    assert job["concurrency"]["group"] == "-".join(
        ("decide", *(f"${{{{ inputs.{name} }}}}" for name in decided))
    )


@pytest.mark.parametrize("file", CHANGES_TARGETS)
def test_the_environment_of_a_target_is_its_gate(file: str) -> None:
    for job in WORKFLOWS[file]["jobs"].values():
        assert job["environment"] == "${{ inputs.target }}"


def test_production_follows_staging_and_staging_the_build() -> None:
    jobs = WORKFLOWS["release.yml"]["jobs"]
    order = {name: job.get("needs") for name, job in jobs.items()}
    assert order == {"build": None, "staging": "build", "production": "staging"}
    assert jobs["build"]["concurrency"]["cancel-in-progress"] is False


def test_only_the_build_may_push_images_or_sign_in_its_name() -> None:
    for file, name, job in all_jobs():
        writes = {scope for scope, access in job["permissions"].items() if access == "write"}
        if writes & {"packages", "id-token"}:
            assert (file, name) == ("release.yml", "build")


@pytest.mark.parametrize(
    ("select", "stages", "result", "passes"),
    [
        ("success", '["checks", "parts"]', "success", True),
        ("success", "[]", "skipped", True),
        ("success", '["checks"]', "skipped", False),
        ("success", '["checks"]', "cancelled", False),
        ("success", '["checks"]', "failure", False),
        ("success", "[]", "failure", False),
        ("failure", "", "skipped", False),
        ("cancelled", "", "skipped", False),
    ],
)
def test_the_gate_takes_only_what_was_not_selected_for_rightly_skipped(
    select: str, stages: str, result: str, passes: bool
) -> None:
    gate = WORKFLOWS["ci.yml"]["jobs"]["gate"]
    assert gate["if"] == "always()"
    assert gate["needs"] == ["select", "stage"]
    [step] = gate["steps"]
    judged = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", step["run"]],
        env={"SELECT": select, "STAGES": stages, "RESULT": result},
        check=False,
        capture_output=True,
        timeout=30,
    )
    assert (judged.returncode == 0) is passes


@pytest.mark.parametrize(("base", "told_base"), [('"1a2b"', "1a2b"), ("null", "")])
def test_what_selects_the_work_hands_over_the_commit_and_changes_nothing_that_git_sees(
    tmp_path: Path, base: str, told_base: str
) -> None:
    [step] = [s for s in WORKFLOWS["ci.yml"]["jobs"]["select"]["steps"] if s["name"] == "Select"]
    selection = f'{{"base": {base}, "stages": [{{"name": "parts"}}]}}'
    commands = {"install": "true", "select": f"echo '{selection}'"}
    (tmp_path / ".ci").mkdir()
    for name, command in commands.items():
        (tmp_path / ".ci" / name).write_text(f"#!/bin/sh\n{command}\necho why >&2\n")
        (tmp_path / ".ci" / name).chmod(0o755)
    shutil.copy(SANDBOX / ".gitignore", tmp_path)
    commit(tmp_path, "all")
    told = {name: tmp_path / ".git" / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", step["run"]],
        env={"PATH": os.environ["PATH"], "BRANCH": "main", **{k: str(v) for k, v in told.items()}},
        cwd=tmp_path,
        check=True,
        timeout=30,
    )
    seen = subprocess.check_output(["git", "status", "--porcelain"], cwd=tmp_path, text=True)
    assert seen == ""
    assert told["GITHUB_OUTPUT"].read_text() == f'base={told_base}\nstages=["parts"]\n'
    assert "- why" in told["GITHUB_STEP_SUMMARY"].read_text()


def test_a_stage_that_was_selected_may_not_be_idle() -> None:
    [run] = [s for s in WORKFLOWS["ci.yml"]["jobs"]["stage"]["steps"] if s["name"] == "Run"]
    assert run["env"]["BASE"] == "${{ needs.select.outputs.base }}"
    assert run["run"] == '.ci/run ${BASE:+"$BASE"} --stage "$STAGE" --required'


def all_jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for file, workflow in WORKFLOWS.items():
        for name, job in workflow["jobs"].items():
            yield file, name, job


def is_check_out(step: dict[str, Any]) -> bool:
    return step.get("uses", "").startswith("actions/checkout@") or "git checkout" in step.get(
        "run", ""
    )
