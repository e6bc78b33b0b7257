"""The work that changes ask for, on a small repository."""

import pytest

from pipeline.deciding import select
from pipeline.selection import Selection
from tests.pipeline.shop import shop

LOCAL = ("tests/local/test_canaries.py", "tests/local/test_faults.py")


def after(*paths: str) -> Selection:
    """Return the work after edits."""
    return select(dict.fromkeys(paths, "M"), shop(), None)


def everything(selection: Selection) -> bool:
    return selection.tests["parts"] == ("::",)


def test_a_page_for_people_asks_for_nothing() -> None:
    selection = after("README.md", "docs/page.md")
    assert selection.stages() == ()
    assert selection.reasons == (
        "nothing: README.md is for people",
        "nothing: docs/page.md is for people",
    )


@pytest.mark.parametrize(
    "path",
    [
        "pants", "pants.toml", "pyproject.toml", ".ci/run", "pants-plugins/ruff_goals/rules.py",
        "pants-plugins/deployment/BUILD", "src/python/pipeline/graph.py",
        "3rdparty/python/pants.lock", ".github/workflows/ci.yml",
        ".github/actions/set-up/action.yml",
    ],
)  # fmt: skip
def test_what_decides_about_all_work_asks_for_all(path: str) -> None:
    selection = after("README.md", path)
    assert everything(selection)
    assert selection.everything == f"{path} decides about all work"


@pytest.mark.parametrize("path", ["src/python/shop/notes.txt", "3rdparty/python/new.lock", "x"])
def test_a_file_that_nobody_knows_asks_for_all_and_is_named(path: str) -> None:
    selection = after("src/python/shop/domain.py", path)
    assert everything(selection)
    assert selection.everything == f"{path} belongs to no target, and no rule knows it"


def test_a_service_is_built_deployed_and_tested_and_of_whole_systems_only_the_core_is() -> None:
    selection = after("src/python/shop/domain.py")
    assert selection.packages == ("src/python/shop:shop",)
    assert selection.images == ("src/python/shop:image",)
    assert selection.deployments == ("kubernetes", "local")
    assert selection.tests == {
        "parts": (
            "tests/images/test_image.py",
            "tests/shop/test_domain.py",
            "tests/shop/test_main.py",
        ),
        "compose": (),
        "local": ("tests/local/test_canaries.py",),
        "kubernetes": ("tests/kubernetes/test_canaries.py",),
    }
    [said] = [each for each in selection.reasons if "left out" in each]
    assert said.startswith("2 tests of whole systems left out: nothing has changed but services")


def test_an_edit_of_a_services_dockerfile_is_one_of_the_service() -> None:
    selection = after("src/python/shop/Dockerfile")
    assert (selection.packages, selection.images) == ((), ("src/python/shop:image",))
    assert selection.tests["kubernetes"] == ("tests/kubernetes/test_canaries.py",)
    assert selection.deployments == ("kubernetes",)


def test_the_tool_runs_all_tests_of_whole_systems_and_replaces_nothing() -> None:
    selection = after("src/python/deploytool/main.py")
    assert selection.tests["local"] == LOCAL
    assert selection.deployments == ()
    assert selection.run
    assert selection.images == ()


def test_a_source_of_one_platform_runs_all_of_its_tests_and_the_core_of_the_others() -> None:
    tests = after("src/python/deploytool/local.py").tests
    assert tests["local"] == LOCAL
    assert tests["kubernetes"] == ("tests/kubernetes/test_canaries.py",)


def test_a_service_and_the_tool_together_run_all_of_them() -> None:
    assert after("src/python/shop/domain.py", "src/python/deploytool/main.py").tests["local"] == (
        LOCAL
    )


def test_manifests_are_checked_when_they_or_what_checks_them_has_changed() -> None:
    manifests = "deploy/kubernetes:kubernetes"
    for path in (
        "deploy/kubernetes/a.yaml", "deploy/system.yaml", "src/python/deploytool/main.py",
        "3rdparty/python/kubectl.lock",
    ):  # fmt: skip
        assert manifests in after(path).lint, path
    assert manifests not in after("src/python/shop/domain.py").lint


def test_a_manifest_is_deployed_and_tested_and_no_image_is_built() -> None:
    selection = after("deploy/kubernetes/a.yaml")
    assert (selection.images, selection.packages, selection.run) == ((), (), False)
    assert selection.deployments == ("kubernetes",)
    assert selection.tests["kubernetes"] == ("tests/kubernetes/test_manifests.py",)
    assert selection.tests["local"] == ()


def test_a_migration_is_checked_built_and_deployed() -> None:
    selection = after("deploy/database/migrations/1.sql")
    assert selection.checks == ("migrations",)
    assert selection.images == ("deploy/database:migrations",)
    assert selection.deployments == ("kubernetes",)
    assert selection.types == ()


def test_the_lock_of_a_linter_means_that_linter() -> None:
    for path in ("3rdparty/python/hadolint.lock", "3rdparty/python/hadolint.txt"):
        selection = after(path)
        assert selection.lint == ("deploy/database:migrations", "src/python/shop:image")
        assert [stage.name for stage in selection.stages()] == ["checks"]
    assert "src/python/shop/main.py" in after("3rdparty/python/ruff.lock").lint
    assert after("3rdparty/python/squawk.lock").checks == ("migrations",)


def test_a_workflow_that_runs_no_stage_means_the_check_of_workflows() -> None:
    selection = after(".github/workflows/report.yml")
    assert selection.checks == ("workflows",)
    assert [stage.name for stage in selection.stages()] == ["checks"]


def test_the_lock_of_the_type_checker_means_all_types_and_no_test() -> None:
    selection = after("3rdparty/python/mypy.lock")
    assert "src/python/shop/domain.py" in selection.types
    assert [stage.name for stage in selection.stages()] == ["checks"]


def test_a_lock_means_what_uses_its_resolve() -> None:
    selection = after("3rdparty/python/services.lock")
    assert selection.packages == ("src/python/shop:shop",)
    assert "tests/shop/test_main.py" in selection.tests["parts"]
    assert "tests/deploytool/test_main.py" not in selection.tests["parts"]
    # Tests run with all of their resolve.
    assert "tests/plugin/test_images.py" in after("3rdparty/python/tests.lock").tests["parts"]
    assert len(after("3rdparty/python/pytest.lock").tests["parts"]) == 5


def test_lint_is_of_what_has_changed_and_types_of_what_imports_it() -> None:
    selection = after("src/python/shop/domain.py")
    assert selection.lint == ("src/python/shop/domain.py",)
    assert "src/python/shop/main.py" in selection.types
    # It runs the package, and imports nothing of it.
    assert "tests/local/test_canaries.py" not in selection.types


def test_an_engine_is_wanted_by_tests_of_images_alone() -> None:
    assert after("src/python/shop/domain.py").engine_for_parts
    assert after("tests/plugin/test_images.py").engine_for_parts
    assert not after("src/python/deploytool/main.py").engine_for_parts


def test_a_deleted_file_keeps_the_dependents_that_it_had() -> None:
    path = "src/python/shop/domain.py"
    now = shop(
        without=[path],
        changed={
            "src/python/shop/main.py": {"dependencies": []},
            "tests/shop/test_domain.py": {"dependencies": []},
        },
    )
    selection = select({path: "D"}, now, shop())
    assert selection.images == ("src/python/shop:image",)
    assert "tests/shop/test_domain.py" in selection.tests["parts"]
    assert "tests/shop/test_main.py" in selection.tests["parts"]
    assert selection.lint == ()


def test_a_renamed_file_means_what_depends_on_either_name() -> None:
    old, new = "deploy/database/migrations/1.sql", "deploy/database/migrations/2.sql"
    now = shop(
        without=[old],
        changed={"deploy/database:migrations": {"dependencies": [], "sources": [new]}},
    )
    assert select({old: "D", new: "A"}, now, shop()).images == ("deploy/database:migrations",)


def test_a_build_file_means_the_targets_that_it_defines_otherwise() -> None:
    path = "src/python/shop/BUILD"
    same = select({path: "M"}, shop(), shop())
    assert same.stages() == ()
    other = shop(changed={"src/python/shop:image": {"repository": "another"}})
    assert select({path: "M"}, other, shop()).images == ("src/python/shop:image",)


def test_each_decision_has_a_reason_that_names_the_file() -> None:
    reasons = after("src/python/shop/domain.py").reasons
    for start in ("package src/python/shop:image", "tests of local", "deployment kubernetes"):
        [reason] = [each for each in reasons if each.startswith(start)]
        assert "src/python/shop/domain.py" in reason


def test_a_test_of_a_whole_system_without_a_platform_is_named_and_checked() -> None:
    address = "tests/local/test_faults.py"
    now = shop(changed={address: {"tags": ["end-to-end"]}})
    selection = select({"README.md": "M"}, now, None)
    assert selection.everything == f"{address} is tagged end-to-end, and not with one platform"
    # No stage of tests runs it: this one refuses it.
    assert "checks" in {stage.name for stage in selection.stages()}


def test_no_change_asks_for_nothing() -> None:
    assert after().stages() == ()
