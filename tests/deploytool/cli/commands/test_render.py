"""`deploytool render`: the manifests of a target with the digests of a release."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from deploytool.cli.commands.render import command
from deploytool.errors import ExitCode, InvalidInput
from deploytool.platforms.kubernetes.manifests import parse
from deploytool.platforms.kubernetes.objects import containers
from tests.registry import serving
from tests.releases import COMMIT, REPOSITORY, content, published

# Where Pants puts the package with kubectl; without Pants it is the one of this machine.
BUILT = Path("src.python.deploytool.platforms.kubernetes/runtime.pex")
NAMES = ("database", "gateway", "new-microservice", "legacy-app", "migrations")


@pytest.fixture
def images(tmp_path: Path) -> Iterator[dict[str, str]]:
    if not os.environ.get("DOCKER_ENGINE"):
        pytest.skip("DOCKER_ENGINE is not set: tests with a registry are left out")
    with serving(tmp_path) as registry:
        yield {name: published(registry, name) for name in NAMES}


@pytest.fixture
def release(images: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree("deploy", tmp_path / "deploy")
    package = {"runtime": str(BUILT.resolve())} if BUILT.exists() else {}
    monkeypatch.setenv("DEPLOYTOOL_ARTIFACTS", json.dumps(package))
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "release.json"
    file.write_text(json.dumps(content(images)))
    return file


def run(*arguments: str, target: str = "kubernetes") -> Result:
    argv = ["--target", target, "--output", "json", *arguments]
    return CliRunner().invoke(command, argv, standalone_mode=False)


def test_every_image_of_the_manifests_is_that_of_the_release(
    release: Path, images: dict[str, str]
) -> None:
    written = run("--release", str(release), "gitops/shop")
    assert written.return_value == ExitCode.DONE, written.output
    file = Path("gitops/shop/kubernetes.yaml")
    assert json.loads(written.output.splitlines()[-1])["file"] == str(file)
    text = file.read_text()
    assert text.startswith("# Written by `deploytool render`: release ")
    assert f"# made of commit {COMMIT} of {REPOSITORY}.\n" in text
    objects = parse(text)
    workloads = [item for item in objects if (item.get("spec") or {}).get("template")]
    found = {each["image"] for item in workloads for each in containers(item)}
    assert found == set(images.values())
    assert {"Namespace", "NetworkPolicy", "HTTPRoute", "Job"} <= {i["kind"] for i in objects}
    assert run("--release", str(release), "gitops/shop").return_value == ExitCode.DONE
    assert file.read_text() == text


def test_what_is_not_proved_is_not_written(release: Path) -> None:
    targets = Path("deploy/targets.yaml")
    declared = yaml.safe_load(targets.read_text())
    proof = {"key": "release.pub", "repository": REPOSITORY, "require": ["signature"]}
    declared["targets"]["kubernetes"]["proof"] = proof
    targets.write_text(yaml.safe_dump(declared))
    Path("deploy/release.pub").write_text("no key")
    refused = run("--release", str(release), "gitops")
    assert refused.return_value == ExitCode.USAGE, refused.output
    assert "release.json.bundle is missing" in refused.output
    assert not Path("gitops").exists()


def test_a_target_without_manifests_is_named(release: Path) -> None:
    refused = run("--release", str(release), "gitops", target="compose")
    assert refused.return_value == InvalidInput.exit_code
    assert "compose has no manifests" in refused.output


def test_what_the_release_lacks_is_not_written(release: Path) -> None:
    file = Path("deploy/kubernetes/base/gateway.yaml")
    text = file.read_text()
    assert "image: gateway:local" in text
    file.write_text(text.replace("image: gateway:local", "image: traefik:3"))
    refused = run("--release", str(release), "gitops")
    assert refused.return_value == ExitCode.USAGE, refused.output
    assert "container gateway of Deployment/gateway runs traefik:3" in refused.output
    assert not Path("gitops").exists()
