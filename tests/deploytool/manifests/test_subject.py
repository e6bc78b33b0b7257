"""What is checked of a file or folder that somebody names."""

from pathlib import Path

from deploytool.manifests.subject import subjects_in


def write(root: Path, name: str, text: str = "") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_file_is_checked_by_itself_and_a_kustomization_with_its_folder(tmp_path: Path) -> None:
    file = write(tmp_path, "role.yaml")
    kustomization = write(tmp_path, "kustomization.yaml", "resources: [role.yaml]")
    assert subjects_in(file) == [file]
    assert subjects_in(kustomization) == [tmp_path]
    assert subjects_in(tmp_path) == [tmp_path]


def test_a_folder_is_looked_through_and_what_others_are_made_of_left_out(tmp_path: Path) -> None:
    write(tmp_path, "base/kustomization.yaml", "resources: [parts.yaml]")
    write(tmp_path, "base/parts.yaml")
    write(tmp_path, "zones/kustomization.yaml", "kind: Component")
    write(tmp_path, "unused/kustomization.yaml", "kind: Component")
    write(tmp_path, "overlays/a/kustomization.yaml", "resources: [../../base]")
    write(tmp_path, "overlays/b/kustomization.yaml", "resources: [../a]\ncomponents: [../../zones]")
    write(tmp_path, "role.yaml")
    write(tmp_path, "notes.md")
    write(tmp_path, ".github/ci.yaml")

    found = [str(each.relative_to(tmp_path)) for each in subjects_in(tmp_path)]

    assert found == ["overlays/b", "role.yaml", "unused"]
