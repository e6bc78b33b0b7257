"""Ports: found free, kept, changed only when somebody else took them."""

import os
import socket
from pathlib import Path

import pytest

from deploytool.errors import InvalidInput, PlatformFailed
from deploytool.platforms.ports import Ports


@pytest.fixture
def ports(tmp_path: Path) -> Ports:
    return Ports(tmp_path / "ports.json")


def test_a_port_is_kept_while_it_is_free(ports: Ports, tmp_path: Path) -> None:
    port = ports.choose("web.stable.http")
    assert ports.choose("web.stable.http") == port
    assert Ports(tmp_path / "ports.json").known("web.stable.http") == port
    assert ports.choose("web.canary.http") != port
    assert 20_000 <= port <= 32_000, "below the range of outgoing connections"


def test_a_port_that_somebody_took_is_chosen_anew(ports: Ports) -> None:
    port = ports.choose("web")
    with socket.create_server(("127.0.0.1", port)):
        assert ports.choose("web") != port


def test_a_demanded_port_that_is_taken_names_its_listener(ports: Ports) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(InvalidInput) as refusal,
    ):
        ports.demand("edge", taken.getsockname()[1])
    assert f"pid {os.getpid()} (" in refusal.value.why


def test_a_damaged_file_is_refused(ports: Ports, tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("[1")
    with pytest.raises(PlatformFailed, match="is damaged"):
        ports.known("web")
