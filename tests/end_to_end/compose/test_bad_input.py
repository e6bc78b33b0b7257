"""What is wrong is named, and nothing is changed."""

from pathlib import Path

import pytest

from tests.end_to_end.compose.conftest import LABEL, PROJECT, Deploytool, docker


@pytest.fixture
def tool(engine: None, tmp_path: Path) -> Deploytool:
    tool = Deploytool(tmp_path / "repository")
    tool.make()
    return tool


def test_an_engine_that_does_not_answer(tool: Deploytool, tmp_path: Path) -> None:
    ended = tool.run("up", DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert ended.code == 1, str(ended)
    assert "the Docker engine does not answer" in ended.errors
    assert "DOCKER_HOST" in ended.errors


def test_an_engine_elsewhere(tool: Deploytool) -> None:
    ended = tool.run("up", DOCKER_HOST="tcp://127.0.0.1:1")
    assert ended.code == 2, str(ended)
    assert "not on this machine" in ended.errors


def test_a_component_without_a_service_is_named_with_the_files_line(tool: Deploytool) -> None:
    file = tool.root / "deploy" / "compose" / "compose.yaml"
    file.write_text(file.read_text().replace("\n  legacy-app:\n", "\n  legacy:\n"))
    ended = tool.run("plan")
    assert ended.code == 2, str(ended)
    assert "compose.yaml:" in ended.errors
    assert "'legacy-app'" in ended.errors


def test_data_whose_passwords_are_lost_is_named_and_goes_as_the_hint_says(tool: Deploytool) -> None:
    project = f"{PROJECT}-left"
    targets = tool.root / "deploy" / "targets.yaml"
    targets.write_text(targets.read_text().replace(f"project: {PROJECT}", f"project: {project}"))
    labels = [f"--label={LABEL}.project={project}", f"--label={LABEL}.volume=data"]
    volume = docker("volume", "create", *labels, f"{project}_data").strip()
    ended = tool.run("up")
    assert ended.code == 2, str(ended)
    assert "there is data of this target, but not its passwords" in ended.errors
    assert "`deploytool down --volumes --target compose`" in ended.errors
    tool.done("down", "--volumes", "--yes")
    assert volume not in docker("volume", "ls", "--quiet").split()
