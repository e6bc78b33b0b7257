"""Bad input is named: what, why, what to do, the file and line; and nothing is changed."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.deployed import Ended
from tests.end_to_end.local.conftest import Deploytool

STATE = "    state: .deploytool/local\n"


@pytest.fixture
def tool(tmp_path: Path) -> Iterator[Deploytool]:
    tool = Deploytool(tmp_path / "repository")
    tool.make()
    yield tool
    tool.run("down", "--volumes", "--yes")
    assert tool.processes() == []


def named(ended: Ended, *words: str, code: int) -> None:
    assert ended.code == code, str(ended)
    assert "Traceback" not in ended.errors
    for word in ("error:", "what:", "why:", "hint:", *words):
        assert word in ended.errors, f"{word!r} is missing\n{ended}"


def test_an_unknown_component(tool: Deploytool) -> None:
    named(tool.run("canary", "nothing"), "'nothing'", "new-microservice", code=2)


def test_an_unknown_target(tool: Deploytool) -> None:
    named(tool.run("up", "--target", "moon"), "'moon'", "local", code=2)


def test_a_broken_declaration_is_named_with_its_line(tool: Deploytool) -> None:
    path = tool.root / "deploy" / "system.yaml"
    lines = path.read_text().splitlines()
    number = next(i for i, line in enumerate(lines) if "route: /app" in line)
    lines[number] = "    route: app"
    path.write_text("\n".join(lines))
    named(tool.run("up"), f"system.yaml:{number + 1}", code=2)


def test_a_taken_port_is_named_with_who_holds_it(tool: Deploytool) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        path = tool.root / "deploy" / "targets.yaml"
        text = path.read_text()
        assert text.count(STATE) == 1
        path.write_text(text.replace(STATE, f"{STATE}    gateway_port: {port}\n"))
        ended = tool.run("up")
    assert ended.code in {1, 2}
    named(ended, str(port), str(os.getpid()), code=ended.code)


def test_a_full_disk_decides_nothing(tool: Deploytool) -> None:
    (tool.root / "logs").mkdir()
    (tool.root / "logs" / "operations.log").symlink_to("/dev/full")
    named(tool.run("up"), "No space left", "operations.log", code=1)
    assert not tool.state.exists()


def test_a_state_folder_that_cannot_be_made(tool: Deploytool) -> None:
    (tool.root / ".deploytool").write_text("a file stands where the folder should be")
    named(tool.run("up"), ".deploytool", code=1)


def test_nothing_was_built(tool: Deploytool) -> None:
    named(tool.run("up", DEPLOYTOOL_ARTIFACTS="{}"), "./pants run deploytool", code=2)


def test_wrong_usage(tool: Deploytool) -> None:
    for arguments in (["canary", "--steps", "50,10"], ["canary", "--env", "X"], ["nonsense"]):
        ended = tool.run(*arguments)
        assert ended.code == 2
        assert "Traceback" not in ended.errors


def test_down_leaves_no_process_no_port_and_with_volumes_no_file(tool: Deploytool) -> None:
    assert tool.run("up").code == 0
    ports = {
        connection.laddr.port
        for process in tool.processes()
        for connection in process.net_connections("tcp4")
        if connection.status == psutil.CONN_LISTEN and connection.laddr
    }
    assert ports
    assert tool.run("down").code == 0
    assert tool.processes() == []
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0, f"{port} is still open"
    assert tool.state.exists()
    assert tool.run("down", "--volumes", "--yes").code == 0
    assert not tool.state.exists()
