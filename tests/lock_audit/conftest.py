"""A PyPI on this machine, which says of versions what a test has it say."""

import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import trustme

HOST = "pypi.org"


@dataclass
class PyPI:
    """A proxy that answers in the place of the host; environment: leads a program to it."""

    environment: dict[str, str] = field(default_factory=dict)
    # NAME/VERSION -> its vulnerabilities; what is not here is unknown.
    known: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str) -> tuple[int, bytes]:
        release = path.removeprefix("/pypi/").removesuffix("/json")
        self.asked.append(release)
        if release not in self.known:
            return 404, b"{}"
        return 200, json.dumps({"vulnerabilities": self.known[release]}).encode()


def vulnerability(name: str, *fixed_in: str) -> dict[str, Any]:
    return {"id": name, "aliases": [], "details": "It is bad.", "fixed_in": list(fixed_in)}


@pytest.fixture
def pypi(tmp_path: Path) -> Iterator[PyPI]:
    pypi = PyPI()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST).configure_cert(context)

    class Proxy(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            assert self.path == f"{HOST}:443"
            self.send_response(200)
            self.end_headers()
            with context.wrap_socket(self.connection, server_side=True) as secure:
                with secure.makefile("rb") as request:
                    path = request.readline().split()[1].decode()
                    while request.readline().strip():
                        pass
                status, body = pypi.answer(path)
                head = f"HTTP/1.1 {status} .\r\nContent-Length: {len(body)}\r\n"
                secure.sendall(f"{head}Connection: close\r\n\r\n".encode() + body)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    pypi.environment.update(
        HTTPS_PROXY=f"http://127.0.0.1:{server.server_port}",
        REQUESTS_CA_BUNDLE=str(tmp_path / "authority.pem"),
    )
    yield pypi
    server.shutdown()
    thread.join()
    server.server_close()
