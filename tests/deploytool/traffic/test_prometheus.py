"""What answers in the place of Prometheus, and is told from it. The real one is tried elsewhere."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest

from deploytool.errors import PlatformFailed
from deploytool.traffic.prometheus import PrometheusApi

Serve = Callable[[int, bytes], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return what starts a server that gives one answer to everything, and tells its URL."""
    servers = []

    def start(status: int, body: bytes) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(status, body))
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def _handler(status: int, body: bytes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def failure(url: str) -> PlatformFailed:
    with pytest.raises(PlatformFailed) as failed:
        PrometheusApi(url).samples("up", 0, 1)
    return failed.value


def test_one_that_does_not_answer_is_named_with_its_url(serve: Serve) -> None:
    url = "http://127.0.0.1:1"
    error = failure(url)
    assert error.what == f"Prometheus does not answer at {url}"
    assert error.why.startswith("ConnectError: ")
    assert "`prometheus.url`" in error.hint


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>Sign in</html>"),
        (401, b"Unauthorized"),
        (404, b'{"detail": "Not Found"}'),
        (200, b"[]"),
        (502, b""),
        (200, b'{"status": "success"}'),
    ],
)
def test_what_is_no_prometheus_is_shown_with_its_own_words(
    serve: Serve, status: int, body: bytes
) -> None:
    url = serve(status, body)
    error = failure(f"{url}/")
    assert error.what == f"what answers at {url} is no Prometheus"
    assert error.why == f"HTTP {status}: {body.decode() or 'an empty body'}"


def test_an_answer_that_lacks_what_others_know_is_none(serve: Serve) -> None:
    partial = {"status": "success", "data": {"result": []}, "warnings": ["store s1 is away"]}
    error = failure(serve(200, json.dumps(partial).encode()))
    assert error.why == "store s1 is away"


def test_an_error_is_told_in_its_own_words(serve: Serve) -> None:
    answer = {"status": "error", "errorType": "timeout", "error": "query timed out"}
    error = failure(serve(503, json.dumps(answer).encode()))
    assert error.why == "timeout: query timed out; asked was up[1000ms]"


def test_who_is_done_with_it_closes_its_client(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []

    class Client(httpx2.Client):
        def close(self) -> None:
            closed.append(self)
            super().close()

    monkeypatch.setattr(httpx2, "Client", Client)
    answer = {"status": "success", "data": {"result": [7, "7"]}}
    api = PrometheusApi(serve(200, json.dumps(answer).encode()))
    api.close()
    assert closed == [], "it has made none yet"
    assert [api.now(), api.now()] == [7, 7]
    api.close()
    assert len(closed) == 1
