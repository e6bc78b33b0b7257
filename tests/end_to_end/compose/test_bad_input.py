"""What is wrong is named, and nothing is changed."""

from pathlib import Path

import pytest

from tests.end_to_end.compose.conftest import Deploytool


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
