"""Which file, and which line of it, an object of a kustomize folder comes from."""

from pathlib import Path

import pytest

from deploytool.manifests.finding import Finding
from deploytool.manifests.kustomization import Sources, read_all
from deploytool.manifests.manifest import manifests_in
from deploytool.system.document import Location, parse_documents
from tests.deploytool.manifests.texts import DEPLOYMENT

BASE = Path("base/deployment.yaml")
OVERLAY = Path("overlay/kustomization.yaml")


def place(rendered: str, location: Location) -> str:
    (manifest,) = manifests_in(parse_documents(rendered, OVERLAY))
    sources = Sources(OVERLAY, parse_documents(DEPLOYMENT, BASE))
    return str(sources.place(Finding(manifest, location, "some fault")))


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        (("spec", "replicas"), f"{BASE}:6"),
        (("spec", "template", "spec", "containers", 0, "image"), f"{BASE}:15"),
        # What is missing there as well.
        (("spec", "template", "spec", "containers", 0, "resources"), f"{BASE}:14"),
        # What is not there at all.
        (("spec", "template", "spec", "volumes", 0, "name"), str(OVERLAY)),
    ],
)
def test_it_is_the_line_of_the_source_that_says_the_same(location: Location, expected: str) -> None:
    assert place(DEPLOYMENT, location) == expected


def test_what_a_patch_has_made_is_the_kustomization_s() -> None:
    patched = DEPLOYMENT.replace("replicas: 2", "replicas: many")
    assert place(patched, ("spec", "replicas")) == str(OVERLAY)
    without = DEPLOYMENT.replace("  selector:\n    matchLabels: {app: shop}\n", "")
    assert place(without, ("spec", "selector")) == str(OVERLAY)


def test_what_a_generator_has_made_is_the_kustomization_s() -> None:
    generated = DEPLOYMENT.replace("name: shop\nspec", "name: shop-5f2a\nspec")
    assert place(generated, ("spec", "replicas")) == str(OVERLAY)


def test_all_that_a_folder_is_made_of_is_read_once(tmp_path: Path) -> None:
    for name, text in {
        "overlay": "resources: [../base, https://example.com/x]\ncomponents: [../extra]",
        "base": "resources: [a.yaml]",
        "extra": "kind: Component\nresources: [../base]",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "kustomization.yaml").write_text(text)
    (tmp_path / "base/a.yaml").write_text(DEPLOYMENT)

    own, *others = read_all(tmp_path / "overlay")

    assert own.file == tmp_path / "overlay/kustomization.yaml"
    assert sorted(each.file.parent.name for each in others) == ["base", "extra"]
    assert [len(each.documents()) for each in others if not each.is_component] == [1]
    assert read_all(tmp_path) == []


def test_folders_that_name_each_other_are_left_to_kustomize(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "kustomization.yaml").write_text(f"resources: [../{other}]")
    assert len(read_all(tmp_path / "a")) == 2
