"""Manifests are checked as they stand, and each fault is named where it was written."""

from pathlib import Path

import pytest

from deploytool.errors import InvalidInput, Place
from deploytool.operations.validate import Validation, validate
from deploytool.system.targets import LocalTarget, Target, read_targets

TARGETS = """\
targets:
  cluster:
    platform: kubernetes
    manifests: overlay
    namespace: shop
    registry: localhost:5000
    migrations: {expand: expand, contract: contract}
    metrics_port: 9100
    state: state
"""

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {}\ndata:\n  colour: {}\n"


@pytest.fixture
def deploy(tmp_path: Path) -> Path:
    (tmp_path / "targets.yaml").write_text(TARGETS)
    for name, resources in (("base", "config.yaml"), ("overlay", "../base")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "kustomization.yaml").write_text(f"resources: [{resources}]")
    (tmp_path / "base/config.yaml").write_text(CONFIG.format("shop", "blue"))
    return tmp_path


def judge(deploy: Path, *paths: str, rendered: str = "") -> Validation:
    targets = read_targets(deploy / "targets.yaml")
    return validate([deploy / path for path in paths], targets, deploy, lambda _: rendered)


def lines(deploy: Path, validation: Validation) -> list[str]:
    return [
        f"{each.path.relative_to(deploy.resolve())}:{each.line}: {each.object}: {each.message}"
        for each in validation.findings
    ]


def test_without_a_path_it_is_what_the_targets_render(deploy: Path) -> None:
    validation = judge(deploy, rendered=CONFIG.format("shop", "blue"))
    assert validation == Validation(("1.35",), 1, ())


def test_a_folder_of_a_target_that_is_missing_is_named_with_the_file_that_names_it(
    deploy: Path,
) -> None:
    file = deploy / "targets.yaml"
    file.write_text(TARGETS.replace("overlay", "overlya"))
    with pytest.raises(InvalidInput, match="the manifests of target 'cluster'") as failed:
        judge(deploy)
    assert str(deploy / "overlya") in failed.value.why
    assert failed.value.place == Place(file)
    assert judge(deploy, "base/config.yaml").findings == ()


def test_a_fault_of_what_was_rendered_is_named_in_its_source(deploy: Path) -> None:
    (deploy / "base/config.yaml").write_text("# first\n" + CONFIG.format("shop", "7"))
    validation = judge(deploy, rendered=CONFIG.format("shop", "7"))
    assert lines(deploy, validation) == [
        "base/config.yaml:7: ConfigMap/shop: data.colour must be text, not a number; "
        "put it in quotes"
    ]


def test_a_fault_that_no_source_has_is_named_with_the_kustomization(deploy: Path) -> None:
    validation = judge(deploy, rendered=CONFIG.format("shop", "7"))
    (line,) = lines(deploy, validation)
    assert line.startswith("overlay/kustomization.yaml:None: ConfigMap/shop: data.colour must be")
    assert line.endswith("(by a patch or generator: no file of objects says so)")


def test_the_same_fault_of_two_renderings_is_named_once(deploy: Path) -> None:
    (deploy / "other").mkdir()
    (deploy / "other/kustomization.yaml").write_text("resources: [../base]")
    wrong = CONFIG.format("shop", "7")
    (deploy / "base/config.yaml").write_text(wrong)
    validation = judge(deploy, "overlay", "other", "base/config.yaml", rendered=wrong)
    assert validation.objects == 3
    assert len(validation.findings) == 1


def test_a_component_is_checked_by_what_it_adds(deploy: Path) -> None:
    (deploy / "extra").mkdir()
    (deploy / "extra/kustomization.yaml").write_text("kind: Component\nresources: [extra.yaml]")
    (deploy / "extra/extra.yaml").write_text(CONFIG.format("extra", "true"))
    (line,) = lines(deploy, judge(deploy, "extra", rendered="never: rendered"))
    assert line.startswith("extra/extra.yaml:6: ConfigMap/extra: data.colour must be text")


def test_a_broken_file_hides_no_other(deploy: Path) -> None:
    (deploy / "twice.yaml").write_text("kind: Secret\nkind: ConfigMap\n")
    (deploy / "wrong.yaml").write_text(CONFIG.format("shop", "7"))
    twice, wrong = lines(deploy, judge(deploy, "twice.yaml", "wrong.yaml"))
    assert twice == (
        "twice.yaml:2: : twice.yaml: the key 'kind' stands twice: "
        "the second would silently replace the first"
    )
    assert wrong.startswith("wrong.yaml:6: ConfigMap/shop: data.colour")


def test_what_is_named_is_checked_for_every_declared_version(deploy: Path) -> None:
    older = TARGETS.removeprefix("targets:\n").replace("cluster", "older")
    older += '    kubernetes_version: "1.30"\n'
    (deploy / "targets.yaml").write_text(TARGETS + older)
    validation = judge(deploy, "base/config.yaml")
    assert (validation.kubernetes, validation.objects) == (("1.35", "1.30"), 2)


def test_without_a_target_on_kubernetes_there_is_nothing_to_check_for(tmp_path: Path) -> None:
    targets: dict[str, Target] = {"local": LocalTarget(platform="processes", state=Path("state"))}
    with pytest.raises(InvalidInput) as raised:
        validate([], targets, tmp_path, lambda _: "")
    assert "platform: kubernetes" in raised.value.why
