"""A report tells what is in the folder as it is, committed or not."""

import subprocess
from pathlib import Path

import pytest

from pipeline.review import report
from pipeline.review.report import Change

SYSTEM = """\
system: shop
components:
  db: {kind: postgresql, database: d, migrations: database, roles: [r]}
  edge: {kind: gateway}
"""


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", folder, *arguments],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.fixture
def change(tmp_path: Path) -> Change:
    (tmp_path / "deploy" / "database" / "expand").mkdir(parents=True)
    (tmp_path / "deploy" / "system.yaml").write_text(SYSTEM)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    return Change(git(tmp_path, "rev-parse", "HEAD"), tmp_path, tmp_path, {}, ())


def test_a_migration_that_is_not_committed_yet_is_told_all_the_same(change: Change) -> None:
    migrations = report._PARTS["Migrations"]
    assert migrations(change) == "No migration changes."
    file = change.root / "deploy" / "database" / "expand" / "1_add.sql"
    file.write_text("-- migrate:up\n")
    told = migrations(change)
    assert "| new | expand |" in told
    assert "add.sql" in told


def test_without_a_selection_there_is_no_report_and_the_words_of_why(
    change: Change, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    select = change.root / ".ci" / "select"
    select.parent.mkdir()
    select.write_text("#!/bin/sh\necho 'error: nothing is known' >&2\nexit 1\n")
    select.chmod(0o755)
    monkeypatch.chdir(change.root)
    monkeypatch.setattr("sys.argv", ["report", "HEAD"])
    assert report.main() == 1
    told = capsys.readouterr().err
    assert told == "error: there is no report: select: error: nothing is known\n"


@pytest.mark.parametrize("number", ["", "7"])
def test_beside_a_report_lies_of_which_pull_request_it_is(
    change: Change, monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    select = change.root / ".ci" / "select"
    select.parent.mkdir()
    answer = '{"base": null, "stages": [], "deployments": []}'
    select.write_text(f"#!/bin/sh\necho '{answer}'\n")
    select.chmod(0o755)
    monkeypatch.chdir(change.root)
    monkeypatch.setattr("sys.argv", ["report", "HEAD"])
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.setenv("PULL_REQUEST", number)
    assert report.main() == 0
    assert (change.root / "dist" / "report" / "pull-request").read_text() == number
