"""An older release meets what was declared in its own commit: in a real repository."""

import json
import subprocess
from pathlib import Path

import pytest

from pipeline.delivery import deploy
from pipeline.delivery.errors import StepFailed
from pipeline.delivery.layout import laid_out

# deploytool that says which system it was given, and goes no further.
PROGRAM = """
import json, pathlib, sys
print(json.dumps({"error": "none", "what": pathlib.Path("deploy/system.yaml").read_text()}))
sys.exit(1)
"""


def git(*arguments: str) -> str:
    words = ("git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments)
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def commit(**files: str | None) -> str:
    """Write or delete files in deploy, commit, and return the commit."""
    for name, text in files.items():
        path = Path("deploy", name.replace("__", "/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
    git("add", "--all")
    git("commit", "--quiet", "--message=one")
    return git("rev-parse", "HEAD")


def declared() -> dict[str, str]:
    found = (path for path in Path("deploy").rglob("*") if path.is_file())
    return {str(path.relative_to("deploy")): path.read_text() for path in found}


FIRST = {"system.yaml": "old", "gone": "old", "targets.yaml": "old", "keys__a": "old"}
SECOND = {"system.yaml": "new", "gone": None, "more": "new", "targets.yaml": "new", "keys__b": "b"}
NOW = {"system.yaml": "new", "more": "new", "targets.yaml": "new", "keys/a": "old", "keys/b": "b"}


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the commit before the one that is checked out in the working folder."""
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet", "--initial-branch=main")
    first = commit(**FIRST)
    commit(**SECOND)
    return first


def test_an_older_commit_brings_its_system_and_neither_targets_nor_keys(older: str) -> None:
    with laid_out(older):
        assert declared() == {
            "system.yaml": "old", "gone": "old",
            "targets.yaml": "new", "keys/a": "old", "keys/b": "b",
        }  # fmt: skip
    assert declared() == NOW
    assert git("status", "--porcelain") == ""


def test_all_is_as_before_when_a_deployment_fails(older: str) -> None:
    with pytest.raises(RuntimeError), laid_out(older):
        raise RuntimeError
    assert declared() == NOW


@pytest.mark.parametrize("what", ["HEAD", "", "no commit"])
def test_of_the_commit_that_is_checked_out_nothing_is_touched(older: str, what: str) -> None:
    Path("deploy/system.yaml").write_text("an edit")
    with laid_out(git("rev-parse", "HEAD") if what == "HEAD" else what):
        assert declared()["system.yaml"] == "an edit"


def test_a_commit_that_declares_the_same_needs_no_layout(older: str) -> None:
    same = git("rev-parse", "HEAD")
    commit(**{"targets.yaml": "newer"})
    Path("deploy/system.yaml").write_text("an edit")
    with laid_out(same):
        assert declared()["system.yaml"] == "an edit"


@pytest.mark.parametrize("known", [True, False])
def test_a_commit_of_no_history_of_ours_is_refused(older: str, known: bool) -> None:
    git("checkout", "--quiet", "-b", "topic")
    other = commit(**{"system.yaml": "of a topic"}) if known else "1" * 40
    git("checkout", "--quiet", "main")
    with pytest.raises(StepFailed, match="not in the history") as refused, laid_out(other):
        pytest.fail("it was laid out")
    assert refused.value.exit_code == 2
    assert declared() == NOW


@pytest.mark.parametrize("name", ["system.yaml", "untracked"])
def test_work_that_is_not_committed_is_not_lost(older: str, name: str) -> None:
    Path("deploy", name).write_text("an edit")
    with pytest.raises(StepFailed, match="cannot be laid out") as refused, laid_out(older):
        pytest.fail("it was laid out")
    assert refused.value.exit_code == 2
    assert declared() == {**NOW, name: "an edit"}


def test_a_deployment_is_of_the_system_of_its_release(
    older: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert summary_of_deployment(older, tmp_path, monkeypatch, code=1).count("**old**") == 1
    assert declared() == NOW


def test_a_refusal_is_told_in_the_summary(
    older: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = summary_of_deployment("1" * 40, tmp_path, monkeypatch, code=2)
    assert "staging: ❌ failed" in told
    assert "**commit 111111111111 of the release is not in the history" in told
    assert "hint: check out its branch" in told


def summary_of_deployment(
    commit: str, place: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> str:
    """Deploy a release of a commit; see how it ends, and return what it shows."""
    release = place / "dist" / "release.json"
    release.parent.mkdir()
    release.write_text(json.dumps({"system": "shop", "commit": commit}))
    release.with_name("deploytool.pex").write_text(PROGRAM)
    monkeypatch.setattr("sys.argv", ["deploy", "staging", str(release)])
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(place / "summary"))
    assert deploy.main() == code
    return (place / "summary").read_text()
