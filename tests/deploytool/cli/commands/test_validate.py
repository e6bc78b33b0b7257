"""`deploytool validate` as a person and a program see it, on the manifests of this repository."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deploytool.cli.commands.validate import command
from deploytool.errors import ExitCode

# Where Pants puts the package with kubectl; without Pants it is the one of this machine.
BUILT = Path("src.python.deploytool.platforms.kubernetes/runtime.pex")

DEPLOYMENTS = "deploy/kubernetes/base/deployments.yaml"
ROLE = "deploy/kubernetes/deploytool-role.yaml"


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree("deploy", tmp_path / "deploy")
    package = {"runtime": str(BUILT.resolve())} if BUILT.exists() else {}
    monkeypatch.setenv("DEPLOYTOOL_ARTIFACTS", json.dumps(package))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    options = ["--target", "kubernetes"]
    result = CliRunner().invoke(command, [*options, *arguments], standalone_mode=False)
    assert result.exception is None, result.output
    return result


def change(file: str, right: str, wrong: str) -> int:
    """Put something wrong into a file; return its line."""
    path = Path(file)
    before, found, after = path.read_text().partition(right)
    assert found, f"{file} has no {right!r}"
    path.write_text(before + wrong + after)
    return before.count("\n") + 1


def test_the_manifests_of_all_places_are_valid() -> None:
    overlays = [f"deploy/kubernetes/overlays/{name}" for name in ("local", "production")]
    for paths in ([], overlays, ["deploy/kubernetes"]):
        result = run(*paths)
        assert result.return_value == ExitCode.DONE, result.output
        assert "; errors: 0, " in result.output.splitlines()[-1]


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("replicas: ", "replcas: ", "there is no such field; did you mean replicas?"),
        ("containerPort: 8080", "containerPort: web", "must be a whole number, not text"),
        ("apps/v1", "apps/v1beta1", "has no Deployment of apps/v1beta1, but of apps/v1"),
    ],
)
def test_a_fault_is_named_in_the_file_and_line_it_was_made_in(
    right: str, wrong: str, message: str
) -> None:
    line = change(DEPLOYMENTS, right, wrong)

    for paths in ([], ["deploy/kubernetes"], [DEPLOYMENTS]):
        result = run(*paths)
        assert result.return_value == ExitCode.USAGE
        (fault,) = (each for each in result.output.splitlines() if message in each)
        assert fault.startswith(f"{DEPLOYMENTS}:{line}: Deployment/")


def test_people_read_a_line_for_each_fault_and_a_sum() -> None:
    line = change(ROLE, "automountServiceAccountToken: false", "automountServiceAccountToken: no!")
    result = run(ROLE)
    first, last = result.output.splitlines()
    assert first == (
        f"{ROLE}:{line}: ServiceAccount/deploytool: automountServiceAccountToken must be "
        "true or false, not text"
    )
    assert last.endswith(" objects checked for Kubernetes 1.35; errors: 1, notes: 0")


def test_programs_read_one_object() -> None:
    line = change(ROLE, "automountServiceAccountToken: false", "automountServiceAccountToken: no!")
    answer = json.loads(run(ROLE, "--output", "json").output)
    assert answer["kubernetes"] == ["1.35"]
    assert answer["objects"] > 0
    assert answer["findings"] == [
        {
            "path": ROLE,
            "line": line,
            "object": "ServiceAccount/deploytool",
            "message": "automountServiceAccountToken must be true or false, not text",
            "is_error": True,
        }
    ]


def test_a_folder_that_cannot_be_rendered_says_it_in_kustomize_s_words() -> None:
    kustomization = "deploy/kubernetes/overlays/local/kustomization.yaml"
    change(kustomization, "path: gateway-service.yaml", "path: nowhere.yaml")
    result = run("deploy/kubernetes/overlays/local", "--output", "json")
    assert result.return_value == ExitCode.USAGE
    assert "nowhere.yaml" in result.output
