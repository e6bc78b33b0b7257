"""The command line as people type it: what is wrong with it is told in the form of all errors."""

import hashlib
import json
from pathlib import Path

import pytest

from deploytool.cli.main import main
from deploytool.errors import ExitCode
from deploytool.version import VERSION


@pytest.fixture(autouse=True)
def _from_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEPLOYTOOL_CALLED", raising=False)


def code_of(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    monkeypatch.setattr("sys.argv", ["deploytool", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["stauts"], ["'stauts'", "hint:  did you mean `deploytool status`?"]),
        (
            ["--target", "compose", "promot"],
            ["hint:  did you mean `deploytool promote --target compose`?"],
        ),
        (["frobnicate"], ["the commands are up, plan,", "hint:  `deploytool --help`"]),
        (
            ["canary", "--stesp", "10"],
            ["'--stesp'", "did you mean --steps? `deploytool canary --help`"],
        ),
        (["canary", "--steps", "50,10"], ["--steps", "rising", "`deploytool canary --help`"]),
        (["canary", "--load", "5", "--no-load"], ["exclude each other", "canary --help"]),
        (["up", "--timeout", "soon"], ["--timeout", "'soon'", "`deploytool up --help`"]),
        (["up", "--timeout"], ["requires an argument", "`deploytool --help`"]),
        (["replay"], ["'RUN' is missing", "`deploytool replay --help`"]),
        (["status", "shop"], ["unexpected extra argument (shop)", "`deploytool status --help`"]),
    ],
)
def test_wrong_usage_says_what_and_why_and_what_to_do(
    arguments: list[str],
    told: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert code_of(monkeypatch, *arguments) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert shown.out == ""
    for words in ("error: invalid-input", "what:", "why:", "hint:", *told):
        assert words in shown.err


def test_wrong_usage_is_json_where_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(monkeypatch, "stauts", "--output", "json") == ExitCode.USAGE
    told = json.loads(capsys.readouterr().out)
    assert told["error"] == "invalid-input"
    assert told["hint"] == "did you mean `deploytool status`?"
    assert {"what", "why"} < set(told)


def test_hints_are_as_whoever_started_it_types_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEPLOYTOOL_CALLED", "./pants run deploytool --")
    code_of(monkeypatch, "stauts")
    assert "did you mean `./pants run deploytool -- status`?" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--version"], ["version"]])
def test_the_version_says_build_and_commit(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    package = tmp_path / "deploytool.pex"
    package.write_bytes(b"what was packaged")
    monkeypatch.setenv("PEX", str(package))
    monkeypatch.setenv("IMAGE_REVISION", "c0ffee")
    build = hashlib.sha256(b"what was packaged").hexdigest()[:12]
    assert code_of(monkeypatch, *arguments) == ExitCode.DONE
    expected = f"deploytool {VERSION}, build {build}, commit c0ffee\n"
    assert capsys.readouterr().out == expected
    assert code_of(monkeypatch, *arguments, "--output", "json") == ExitCode.DONE
    assert json.loads(capsys.readouterr().out) == {
        "version": VERSION,
        "build": build,
        "commit": "c0ffee",
    }


def test_the_version_of_sources_outside_of_a_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("PEX", "IMAGE_REVISION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    assert code_of(monkeypatch, "version") == ExitCode.DONE
    assert capsys.readouterr().out == f"deploytool {VERSION}, build sources, commit unknown\n"


@pytest.mark.parametrize("command", ["load", "canary", "resume"])
def test_the_rate_of_the_traffic_has_one_name(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(monkeypatch, command, "--help") == ExitCode.DONE
    assert "--load" in capsys.readouterr().out
    assert code_of(monkeypatch, command, "--load", "0") == ExitCode.USAGE
    assert "0.0 is not in the range" in capsys.readouterr().err
