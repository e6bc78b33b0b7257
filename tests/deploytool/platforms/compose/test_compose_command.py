"""`docker compose`, by a stand-in for the command line of Docker."""

from pathlib import Path

import pytest

from deploytool.platforms.compose.compose_command import ComposeCommand


def test_an_interruption_is_told_as_one_though_its_container_cannot_be_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nexec sleep 60\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr("deploytool.platforms.compose.compose_command._ACT_S", 0.1)

    def look() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ComposeCommand("shop", tmp_path / "compose.yaml", tmp_path, {}).run_once("it", {}, look)
