"""The changes that git tells of, in real repositories."""

import subprocess
from pathlib import Path

import pytest

from pipeline.repository import Unknown, base_of, changed_since, graph_of


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", folder, *arguments],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def commit(folder: Path, **files: str | None) -> str:
    """Write or delete files, commit, and return the commit."""
    for name, text in files.items():
        path = folder / name
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "one")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "one"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, kept="a\n" * 9, gone="b\n" * 9, moved="c\n" * 9)
    return folder


def test_a_rename_is_a_file_that_is_gone_and_one_that_is_new(repository: Path) -> None:
    base = git(repository, "rev-parse", "HEAD")
    git(repository, "mv", "moved", "new name")
    commit(repository, gone=None, kept="x")
    assert changed_since(repository, base) == {
        "gone": "D", "kept": "M", "moved": "D", "new name": "A",
    }  # fmt: skip


def test_what_is_not_committed_counts_and_what_is_ignored_does_not(repository: Path) -> None:
    base = commit(repository, **{".gitignore": "ignored\n"})
    (repository / "kept").write_text("x")
    (repository / "ignored").write_text("x")
    (repository / "untracked").write_text("x")
    assert changed_since(repository, base) == {"kept": "M", "untracked": "A"}


def test_of_several_commits_and_a_merge_those_of_the_branch_count(repository: Path) -> None:
    start = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "--quiet", "-b", "branch")
    commit(repository, first="1")
    commit(repository, second="2")
    git(repository, "checkout", "--quiet", "main")
    main = commit(repository, kept="of main")
    git(repository, "checkout", "--quiet", "branch")
    base = base_of(repository, "main")
    assert base == start
    assert changed_since(repository, base) == {"first": "A", "second": "A"}

    git(repository, "merge", "--quiet", "--no-edit", "main")
    base = base_of(repository, "main")
    assert base == main
    assert changed_since(repository, base) == {"first": "A", "second": "A"}


def test_an_unknown_base_is_named(repository: Path) -> None:
    with pytest.raises(Unknown, match="nowhere is no commit that this repository has"):
        base_of(repository, "nowhere")


def test_histories_without_a_common_ancestor_are_told(repository: Path) -> None:
    git(repository, "checkout", "--quiet", "--orphan", "other")
    commit(repository, kept="alone")
    with pytest.raises(Unknown, match="main and HEAD have no common ancestor here"):
        base_of(repository, "main")


def test_a_shallow_clone_is_told(repository: Path, tmp_path: Path) -> None:
    git(repository, "checkout", "--quiet", "-b", "branch")
    commit(repository, first="1")
    git(repository, "checkout", "--quiet", "main")
    commit(repository, kept="of main")
    shallow = tmp_path / "shallow"
    git(
        tmp_path, "clone", "--quiet", "--depth=1", "--no-single-branch",
        f"file://{repository}", str(shallow),
    )  # fmt: skip
    with pytest.raises(Unknown, match=r"no common ancestor here \(a shallow clone\?\)"):
        base_of(shallow, "origin/branch")


def test_a_graph_that_pants_cannot_read_is_told_in_its_words(tmp_path: Path) -> None:
    pants = tmp_path / "pants"
    pants.write_text("#!/bin/sh\necho 'UnownedDependencyError: no owner' >&2\nexit 1\n")
    pants.chmod(0o755)
    with pytest.raises(Unknown, match="what depends on what: UnownedDependencyError: no owner"):
        graph_of(tmp_path)


@pytest.fixture
def echoing(tmp_path: Path) -> Path:
    """A folder with a Pants that has one target, named by what is in its environment."""
    pants = tmp_path / "pants"
    pants.write_text(
        "#!/bin/sh\n"
        'echo "[{\\"address\\": \\"$DOCKER_ENGINE$CLUSTER_FOR_TESTS$PYTHONPATH\\","'
        ' "\\"target_type\\": \\"file\\"}]"\n'
    )
    pants.chmod(0o755)
    return tmp_path


def test_the_graph_is_asked_for_as_where_there_are_an_engine_and_a_cluster(
    echoing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCKER_ENGINE", raising=False)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert list(graph_of(echoing).targets) == ["11"]


def test_pants_is_not_told_where_the_selection_is_imported_from(
    echoing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its daemon, which stays, would end at the next edit there."""
    monkeypatch.setenv("PYTHONPATH", "src/python")
    assert list(graph_of(echoing).targets) == ["11"]
