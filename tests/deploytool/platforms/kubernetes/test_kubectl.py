"""Which kubectl is run, and with what of this tool's environment."""

from pathlib import Path

import pytest

from deploytool.errors import InvalidInput
from deploytool.platforms.kubernetes.kubectl import Kubectl


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def made(program: Path, text: str) -> None:
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


def rendered(state: Path) -> str:
    return Kubectl(None, state, None, "shop").render(Path("/folder"))


def test_what_an_earlier_command_unpacked_is_run_where_none_is_handed_over(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="kubectl is missing"):
        rendered(tmp_path / "state")
    made(tmp_path / "bin" / "kubectl", "echo this machine\\'s")
    assert rendered(tmp_path / "state") == "this machine's\n"
    made(tmp_path / "state" / "kubectl" / "bin" / "kubectl", "echo kept: $2")
    assert rendered(tmp_path / "state") == "kept: /folder\n"


def test_logins_and_proxies_reach_it_and_what_is_this_tools_own_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {"KUBECONFIG": "/config", "HTTPS_PROXY": "http://proxy", "AWS_PROFILE": "mine"}
    own = ("PEX", "PEX_ROOT", "__PEX_UNVENDORED__", "PYTHONPATH", "DEPLOYTOOL_ARTIFACTS")
    for name, value in [*others.items(), *((each, "own") for each in own)]:
        monkeypatch.setenv(name, value)
    made(tmp_path / "bin" / "kubectl", "export -p")
    text = rendered(tmp_path / "state")
    assert all(f"{name}=" in text and value in text for name, value in others.items())
    assert not any(f" {name}=" in text for name in own)
