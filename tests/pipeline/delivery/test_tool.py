"""deploytool is started as it came with the release, and its last line is its result."""

import os
from pathlib import Path

import pytest

from pipeline.delivery.tool import Tool, kubeconfig

PROGRAM = """
import json, os, sys
print("something else")
print(json.dumps({"arguments": sys.argv[1:], "artifacts": os.environ.get("DEPLOYTOOL_ARTIFACTS")}))
print("on the way", file=sys.stderr)
sys.exit(4)
"""


def test_the_tool_of_a_release_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "deploytool.pex").write_text(PROGRAM)
    ended = Tool.of_release("staging", tmp_path / "release.json").run("canary", "shop")
    assert ended.code == 4
    assert ended.result["arguments"] == [
        "canary",
        "shop",
        "--target",
        "staging",
        "--output",
        "json",
    ]
    assert ended.result["artifacts"] is None


def test_a_program_that_it_needs_is_handed_over(tmp_path: Path) -> None:
    (tmp_path / "deploytool.pex").write_text(PROGRAM)
    (tmp_path / "runtime.pex").touch()
    ended = Tool.of_release("staging", tmp_path / "release.json").run("status")
    assert str(tmp_path / "runtime.pex") in ended.result["artifacts"]


def test_without_one_pants_builds_it(tmp_path: Path) -> None:
    assert Tool.of_release("staging", tmp_path / "release.json").command[0] == "./pants"


def test_the_text_of_a_kubeconfig_becomes_a_file_of_this_user_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KUBECONFIG_TEXT", "clusters: []")
    with kubeconfig():
        file = Path(os.environ["KUBECONFIG"])
        assert file.read_text() == "clusters: []"
        assert file.stat().st_mode & 0o077 == 0
        assert "KUBECONFIG_TEXT" not in os.environ
    assert not file.exists()


def test_without_one_the_kubeconfig_of_the_machine_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG_TEXT", "")
    monkeypatch.setenv("KUBECONFIG", "/etc/mine")
    with kubeconfig():
        assert os.environ["KUBECONFIG"] == "/etc/mine"


@pytest.mark.parametrize("output", ["", "no JSON", "[1]"])
def test_a_tool_that_says_nothing_has_an_empty_result(tmp_path: Path, output: str) -> None:
    (tmp_path / "deploytool.pex").write_text(f"print({output!r})")
    ended = Tool.of_release("staging", tmp_path / "release.json").run("status")
    assert (ended.code, ended.result) == (0, {})
