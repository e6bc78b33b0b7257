"""A record says where it comes from: run, user, machine, tool and commit."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploytool.record.origin import git_sha, new_run, origin_of, source_of


def test_run_ids_sort_by_time() -> None:
    moment = datetime(2026, 12, 31, 23, 59, 58, tzinfo=UTC)
    runs = [new_run(moment + timedelta(seconds=second)) for second in range(4)]
    assert runs == sorted(runs)
    assert runs[0].startswith("20261231T235958-")


def test_each_run_knows_its_origin(tmp_path: Path) -> None:
    origin = origin_of(tmp_path, tool_version="1.2", target="local", command="up")
    assert len(origin.run) == len("20261124T075500-3f2a")
    assert (origin.tool_version, origin.target, origin.command) == ("1.2", "local", "up")
    assert origin.user
    assert origin.host


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    command = ["git", *identity, *arguments]
    return subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_the_commit_is_read_from_branches_packs_worktrees_and_bare_heads(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    assert git_sha(root) == ""
    git(root, "init", "-q")
    assert git_sha(root) == ""
    git(root, "commit", "-q", "--allow-empty", "-m", "one")
    commit = git(root, "rev-parse", "HEAD")
    assert git_sha(root) == commit
    git(root, "pack-refs", "--all")
    assert git_sha(root) == commit
    git(root, "worktree", "add", "-q", "../beside", "-b", "beside")
    assert git_sha(tmp_path / "beside") == commit
    git(root, "checkout", "-q", "--detach")
    assert git_sha(root) == commit


@pytest.mark.parametrize(
    ("remote", "repository"),
    [
        ("https://example.org/owner/shop.git", "https://example.org/owner/shop"),
        ("https://ada:secret@example.org/owner/shop", "https://example.org/owner/shop"),
        ("git@example.org:owner/shop.git", "https://example.org/owner/shop"),
        ("ssh://git@example.org/owner/shop.git", "https://example.org/owner/shop"),
        ("https://example.org:8443/owner/shop.git", "https://example.org:8443/owner/shop"),
        ("ssh://git@example.org:2222/owner/shop.git", "https://example.org/owner/shop"),
        ("git@example.org:/owner/shop.git", "https://example.org/owner/shop"),
        ("/srv/shop", ""),
        ("../shop", ""),
        ("file:///srv/shop.git", ""),
    ],
)
def test_the_sources_are_where_git_has_them_from(
    tmp_path: Path, remote: str, repository: str
) -> None:
    git(tmp_path, "init", "-q")
    assert source_of(tmp_path, {}) == ("", "")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "one")
    git(tmp_path, "remote", "add", "origin", remote)
    assert source_of(tmp_path, {}) == (repository, git(tmp_path, "rev-parse", "HEAD"))


def test_the_sources_are_what_the_labels_of_the_images_say(tmp_path: Path) -> None:
    said = {"IMAGE_SOURCE": "https://example.org/shop", "IMAGE_REVISION": "c" * 40}
    assert source_of(tmp_path, said) == ("https://example.org/shop", "c" * 40)
