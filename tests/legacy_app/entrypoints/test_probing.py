"""The image's own health check: the program asks itself."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from legacy_app import __main__ as program
from legacy_app.entrypoints.probing import probe


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
