"""The image's own health check: the program asks itself, or tells whether it reaches another."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from new_microservice import __main__ as program
from new_microservice.entrypoints import probing
from new_microservice.entrypoints.probing import probe


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/readyz" else 503)
        self.end_headers()
        self.wfile.write(b"because")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv("LISTEN_PORT", str(server.server_port))
        monkeypatch.setenv("LISTEN_HOST", "0.0.0.0")
        yield server.server_port
        server.shutdown()


def test_readiness_is_success(port: int) -> None:
    assert probe(["/readyz"]) == 0


def test_any_other_answer_is_shown(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert probe(["/other"]) == 1
    assert capsys.readouterr().err == "503: because\n"


def test_silence_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LISTEN_PORT", "1")
    assert probe(["/readyz"]) == 1
    assert capsys.readouterr().err.startswith("no answer: ")


def test_another_server_is_asked_when_it_is_named(
    port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LISTEN_PORT", "1")
    assert probe([f"http://127.0.0.1:{port}/readyz"]) == 0
    assert probe([f"http://127.0.0.1:{port}"]) == 1
    assert capsys.readouterr().err == "503: because\n"


@pytest.fixture
def deaf() -> Iterator[int]:
    """A port at which packets are dropped: its queue is full, and nobody takes from it."""
    with socket.socket() as server, socket.socket() as first, socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for each in (first, second):
            each.setblocking(False)
            each.connect_ex(server.getsockname())
        yield server.getsockname()[1]


# deploy/targets.yaml goes by these words.
NO_CONNECTION = "no answer: no connection: "


def test_a_connection_that_is_refused_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert probe(["http://127.0.0.1:1/"]) == 1
    assert capsys.readouterr().err.startswith(NO_CONNECTION)


def test_packets_that_are_dropped_are_no_connection(
    deaf: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(probing, "TIMEOUT_S", 0.2)
    assert probe([f"http://127.0.0.1:{deaf}/"]) == 1
    assert capsys.readouterr().err.startswith(NO_CONNECTION)


@pytest.mark.parametrize("answer", [None, b"", b"no HTTP\r\n"])
def test_whoever_answers_something_else_or_nothing_was_reached(
    answer: bytes | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(probing, "TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                if answer is not None:
                    connection.sendall(answer)
                    return
                connection.recv(1000)
                connection.recv(1000)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        assert probe([f"http://127.0.0.1:{server.getsockname()[1]}/"]) == 1
        thread.join(5)
    said = capsys.readouterr().err
    assert said
    assert not said.startswith(NO_CONNECTION)


@pytest.mark.parametrize("arguments", [[], ["readyz"], ["/a", "/b"]])
def test_wrong_usage_is_told(arguments: list[str]) -> None:
    assert probe(arguments) == 2


def test_a_probe_is_cheap() -> None:
    """It runs every few seconds beside the service, so it loads none of it."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", str(program.__file__), "probe", "/readyz"],
        env={"PYTHONPATH": os.pathsep.join(sys.path), "LISTEN_PORT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    loaded = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert "http.client" in loaded
    assert not {"fastapi", "pydantic", "psycopg", "uvicorn"} & loaded
