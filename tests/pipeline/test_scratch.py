"""The selection in a clone of this repository, by real git and real Pants."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SERVICE = "src/python/new_microservice"
MIGRATION = "deploy/database/migrations/expand/20261101000100_create_inventory.sql"
CORE = {
    place: [f"tests/end_to_end/{place}/test_canaries.py:tests"]
    for place in ("compose", "local", "kubernetes")
}


class Clone:
    """A clone, whose work since a commit can be asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", self.folder, *arguments],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "an edit")

    def edit(self, *paths: str) -> None:
        """Add a line that means nothing to each file."""
        for path in paths:
            comment = "-- nothing\n" if path.endswith(".sql") else "# nothing\n"
            with (self.folder / path).open("a") as file:
                file.write(comment)

    def work(self, base: str = "start", **variables: str) -> dict[str, Any]:
        """Return the work since a commit."""
        environment = {k: v for k, v in os.environ.items() if k != "DOCKER_ENGINE"}
        done = subprocess.run(
            [self.folder / ".ci/select", base],
            env={**environment, **variables},
            capture_output=True, text=True, check=True, timeout=600,
        )  # fmt: skip
        selection: dict[str, Any] = json.loads(done.stdout)
        assert done.stderr.splitlines() == selection["reasons"]
        return selection

    def planned(self, *arguments: str) -> str:
        """Return the commands that the gate would run."""
        done = subprocess.run(
            [self.folder / ".ci/run", *arguments, "--list"],
            capture_output=True, text=True, check=True, timeout=600,
        )  # fmt: skip
        return done.stdout


@pytest.fixture(scope="module")
def cloned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    repository = os.environ.get("REPOSITORY")
    if not repository:
        pytest.skip("REPOSITORY names no clone to work on: set it to PATH@COMMIT, as .ci/run does")
    path, _, commit = repository.rpartition("@")
    folder = tmp_path_factory.mktemp("scratch") / "clone"
    subprocess.run(["git", "clone", "--quiet", path, folder], check=True)
    clone = Clone(folder)
    clone.git("checkout", "--quiet", "-B", "start", commit)
    yield clone
    for pid in folder.glob(".pids/*/pantsd/pid"):
        os.kill(int(pid.read_text()), signal.SIGTERM)


@pytest.fixture
def clone(cloned: Clone) -> Iterator[Clone]:
    """The clone on a branch of its own."""
    cloned.git("checkout", "--quiet", "-B", "branch", "start")
    yield cloned
    cloned.git("reset", "--quiet", "--hard")
    cloned.git("clean", "--quiet", "-d", "--force")


def of_legacy_app(selection: dict[str, Any]) -> list[str]:
    return [each for each in selection["tests"]["parts"] if each.startswith("tests/legacy_app")]


def test_a_page_asks_for_nothing_and_starts_nothing(clone: Clone) -> None:
    clone.edit("README.md")
    assert clone.work()["stages"] == []
    assert clone.planned("start").rstrip().endswith("nothing to do")


def test_a_service_asks_for_its_tests_its_packages_and_its_deployments(clone: Clone) -> None:
    clone.edit(f"{SERVICE}/main.py")
    work = clone.work()
    assert work["packages"] == [f"{SERVICE}:binary", f"{SERVICE}:new_microservice"]
    assert work["images"] == [f"{SERVICE}:image"]
    assert work["deployments"] == ["compose", "kubernetes", "local"]
    assert work["lint"] == [f"{SERVICE}/main.py:src"]
    assert "tests/new_microservice/test_main.py:tests" in work["tests"]["parts"]
    assert of_legacy_app(work)
    assert all(each.startswith("tests/legacy_app/contract/") for each in of_legacy_app(work))
    assert {place: work["tests"][place] for place in CORE} == CORE
    # Wherever it is asked for.
    assert clone.work(DOCKER_ENGINE="1") == work


def test_the_gate_runs_what_was_selected(clone: Clone) -> None:
    clone.edit("deploy/kubernetes/base/routes.yaml")
    planned = clone.planned("start")
    assert "install engine cluster tests" in planned
    assert "dist/selection/kubernetes test" in planned
    assert "compose test" not in planned
    assert "package" not in planned.split("== tests")[0]
    alone = clone.planned("start", "--stage", "checks")
    assert "lint" in alone
    assert "engine" not in alone
    assert " test\n" not in alone


def test_a_migration_asks_for_its_image_and_the_deployments(clone: Clone) -> None:
    clone.edit(MIGRATION)
    work = clone.work()
    assert work["checks"] == ["migrations"]
    assert (work["packages"], work["images"]) == ([], ["deploy/database:migrations"])
    assert work["deployments"] == ["compose", "kubernetes", "local"]
    assert len(work["tests"]["kubernetes"]) > 1


def test_a_manifest_asks_for_its_check_and_its_platform(clone: Clone) -> None:
    clone.edit("deploy/kubernetes/base/routes.yaml")
    work = clone.work()
    assert work["lint"] == ["deploy/kubernetes:kubernetes"]
    assert (work["packages"], work["images"]) == ([], [])
    assert work["deployments"] == ["kubernetes"]
    assert (work["tests"]["compose"], work["tests"]["local"]) == ([], [])
    assert len(work["tests"]["kubernetes"]) > 1


def test_deploytool_runs_all_tests_of_whole_systems(clone: Clone) -> None:
    clone.edit("src/python/deploytool/canary/verdict.py")
    work = clone.work()
    assert "src/python/deploytool:binary" in work["packages"]
    assert work["deployments"] == []
    assert all(len(work["tests"][place]) > 1 for place in CORE)
    assert "deploy/kubernetes:kubernetes" in work["lint"]


def test_the_lock_of_a_linter_asks_for_that_linter(clone: Clone) -> None:
    clone.edit("3rdparty/python/ruff.lock")
    work = clone.work()
    assert [stage["name"] for stage in work["stages"]] == ["checks"]
    assert f"{SERVICE}/main.py:src" in work["lint"]
    assert (work["types"], work["checks"]) == ([], [])


def test_files_that_are_gone_renamed_and_new(clone: Clone) -> None:
    # In two commits; gone is a module that others of the service import.
    clone.git("rm", "--quiet", f"{SERVICE}/domain/errors.py")
    clone.commit()
    clone.git("mv", "src/python/image_layers/__main__.py", "src/python/image_layers/started.py")
    (clone.folder / f"{SERVICE}/domain/added.py").write_text('"""New."""\n')
    clone.commit()
    work = clone.work()
    assert work["everything"] is None
    assert f"{SERVICE}:image" in work["images"]
    # By the old name.
    assert "src/python/legacy_app:image" in work["images"]
    assert f"{SERVICE}/domain/added.py" in work["lint"]
    domain = [each for each in work["tests"]["parts"] if each.startswith("tests/new_microservice")]
    assert len(domain) > 5


def test_a_merge_asks_for_the_work_of_the_branch_alone(clone: Clone) -> None:
    clone.edit(MIGRATION)
    clone.commit()
    clone.git("checkout", "--quiet", "-B", "other", "start")
    clone.edit(f"{SERVICE}/main.py")
    clone.commit()
    clone.git("merge", "--quiet", "--no-edit", "branch")
    assert clone.work("branch")["images"] == [f"{SERVICE}:image"]
    assert set(clone.work()["images"]) == {f"{SERVICE}:image", "deploy/database:migrations"}


@pytest.mark.parametrize("base", ["no-such-branch"])
def test_an_unknown_base_asks_for_everything_and_says_so(clone: Clone, base: str) -> None:
    work = clone.work(base)
    assert work["reasons"] == ["everything: no-such-branch is no commit that this repository has"]


# The last: an edit of what Pants itself is made of ends its daemon, which the others share.
@pytest.mark.parametrize("path", ["pants-plugins/hadolint/rules.py", "pants.toml"])
def test_what_pants_is_made_of_asks_for_everything(clone: Clone, path: str) -> None:
    clone.edit(path)
    assert clone.work()["everything"] == f"{path} decides about all work"
    assert "--spec-files=dist/selection/kubernetes test" in clone.planned("start")
