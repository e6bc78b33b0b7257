"""The process: how it starts, says that it is well, survives its database, and stops."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from legacy_app.main import main

Postgres = Any  # see conftest.py, from which nothing can be imported
COMPLETE = {
    "DB_HOST": "127.0.0.1",
    "DB_USER": "legacy_app",
    "DB_PASS": "s3cret",
    "DB_NAME": "demo",
    "LISTEN_PORT": "1",
    "API_ENDPOINT": "http://127.0.0.1:1",
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"DB_PORT": "s3cret"}, "DB_PORT: Input should be a valid integer"),
        ({"API_ENDPOINT": None}, "API_ENDPOINT is not set (STOCK_BACKEND=http)"),
        ({"DB_PASS": None, "LISTEN_PORT": None}, "LISTEN_PORT is not set"),
        ({"DB_PASS": None}, "DB_PASS_FILE (or DB_PASS) is not set"),
        ({"DB_PASS_FILE": "/no/such"}, "DB_PASS_FILE: /no/such: No such file or directory"),
        ({"STOCK_BACKEND": "s3cret"}, "STOCK_BACKEND: Input should be 'sql', 'shadow' or 'http'"),
    ],
)
def test_a_bad_setting_is_one_line_and_exit_2(
    changed: dict[str, str | None],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in (COMPLETE | changed).items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    errors = capsys.readouterr().err
    assert said in errors
    assert len(errors.splitlines()) == 1
    assert "s3cret" not in errors


@pytest.fixture
def running(
    database: Postgres, tmp_path: Path
) -> Iterator[tuple[subprocess.Popen[str], httpx2.Client]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    password = tmp_path / "password"
    password.write_text("unused\n")
    started = subprocess.Popen(
        [sys.executable, "-m", "legacy_app.main"],
        env=COMPLETE
        | {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "DB_HOST": database.socket,
            "DB_PASS_FILE": str(password),
            "LISTEN_PORT": str(port),
            "STOCK_BACKEND": "sql",
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        for _ in range(100):
            try:
                client.get("/livez")
                break
            except httpx2.ConnectError:
                time.sleep(0.1)
        yield started, client
    if started.poll() is None:
        started.kill()
    started.communicate()


def test_it_serves_through_lost_connections_and_stops_after_an_announcement(
    running: tuple[subprocess.Popen[str], httpx2.Client], database: Postgres
) -> None:
    started, client = running
    assert client.get("/readyz").status_code == 200
    assert client.get("/api/products").status_code == 200
    for _ in range(3):
        # What a restart of PostgreSQL does to the connections of the pool.
        database.query(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE usename = 'legacy_app'"
        )
        assert client.get("/api/products").status_code == 200
        placed = client.post(
            "/api/orders", json={"customer": "Ada", "lines": [{"sku": "BOWL-ASH", "qty": 1}]}
        )
        assert placed.status_code == 201
    assert database.one("SELECT count(*) FROM shop.orders") == 3

    started.send_signal(signal.SIGTERM)
    for _ in range(50):
        ready = client.get("/readyz")
        if ready.status_code == 503:
            break
        time.sleep(0.02)
    assert (ready.status_code, ready.json()["detail"]) == (503, "The process is stopping.")
    last = client.get("/api/products")
    assert (last.status_code, last.headers["connection"]) == (200, "close")
    assert started.wait(10) == 0
