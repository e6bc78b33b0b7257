"""A small shop on loopback whose faults are known, and loads for it."""

import itertools
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from deploytool.system.load import Load


@dataclass
class Shop:
    """A small shop on loopback whose faults are known: what it does, and what it saw."""

    url: str = ""
    orders: dict[int, str] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)
    # Statuses with which the next requests for an order are answered instead.
    troubles: list[int] = field(default_factory=list)
    slow_s: float = 0.2
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def answer(self, method: str, path: str) -> tuple[int, Any, str]:
        """Return status, body and revision."""
        match [method, *path.strip("/").split("/")]:
            case ["GET", "fine"]:
                return 200, {"name": "fine"}, "stable"
            case ["GET", "slow"]:
                time.sleep(self.slow_s)
                return 200, {}, "stable"
            case ["GET", "broken"]:
                return 500, {"title": "broken"}, "canary"
            case ["GET", "text"]:
                return 200, "no id here", "stable"
            case ["POST", "orders"]:
                number = next(self.numbers)
                self.orders[number] = "reserved"
                return 201, {"id": number}, "stable"
            case ["POST", "orders", number, "checkout"]:
                self.orders[int(number)] = "confirmed"
                return 200, {"id": int(number)}, "stable"
            case ["GET", "orders", number] if self.troubles:
                return self.troubles.pop(), {}, "stable"
            case ["GET", "orders", number] if int(number) in self.orders:
                return 200, {"status": self.orders[int(number)]}, "stable"
        return 404, {}, "stable"


@contextmanager
def running_shop() -> Iterator[Shop]:
    state = Shop()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def log_message(self, *_: object) -> None:
            pass

        def respond(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            state.seen.append(f"{self.command} {self.path}")
            state.keys.append(self.headers.get("Idempotency-Key", ""))
            state.cookies.append(self.headers.get("Cookie", ""))
            if self.path == "/reset":
                # Closing without lingering sends a reset instead of an end.
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True
                return
            status, body, revision = state.answer(self.command, self.path)
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("X-Revision", revision)
            self.send_header("Set-Cookie", "visitor=1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = respond  # noqa: N815

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def shutdown_request(self, request: Any) -> None:
            # Without the orderly end that the standard class sends first.
            self.close_request(request)

        def handle_error(self, *_: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield state
        server.shutdown()
        thread.join()


BUY: list[dict[str, Any]] = [
    {
        "request": "POST /orders",
        "headers": {"Idempotency-Key": "${uuid}"},
        "body": {"qty": 1},
        "expect": [201],
        "capture": {"order": "/id"},
        "recheck": {"get": "/orders/${order}"},
    },
    {
        "request": "POST /orders/${order}/checkout",
        "recheck": {"get": "/orders/${order}", "holds": {"/status": "confirmed"}},
    },
]


def get(path: str) -> list[dict[str, Any]]:
    """Return the steps of a journey of one request."""
    return [{"request": f"GET {path}"}]


def load_of(*journeys: list[dict[str, Any]], rate: float = 100) -> Load:
    """Return a load of these journeys, named a, b, ..., each as often as the others."""
    return Load.model_validate(
        {
            "rate": rate,
            "revision_header": "X-Revision",
            "journeys": [
                {"name": name, "share": 1, "steps": steps}
                for name, steps in zip("abcdef", journeys, strict=False)
            ],
        }
    )
