"""The service as a process of its own: start, stop, crash, and what it prints."""

import concurrent.futures
import contextlib
import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.new_microservice.running import RunMain


@contextlib.contextmanager
def serving(
    run_main: RunMain, environment: dict[str, str], **changed: str
) -> Iterator[tuple[subprocess.Popen[str], httpx2.Client]]:
    """Run the service on a free port and wait until it is alive."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (
        run_main(environment, LISTEN_PORT=str(port), **changed) as process,
        # Without a database an answer takes 5 s: as long as the service waits for a connection.
        httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client,
    ):
        try:
            for _ in range(200):
                with contextlib.suppress(httpx2.TransportError):
                    client.get("/livez")
                    break
                assert process.poll() is None, process.communicate()
                time.sleep(0.05)
            yield process, client
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (
            {"DB_PASS": "hunter2", "DB_PORT": "hunter2"},
            "new-microservice: cannot start: DB_PORT: Input should be a valid integer, unable to"
            " parse string as an integer. Correct the environment and start again.\n",
        ),
        (
            {"INVENTORY_FAULT": "crash"},
            "new-microservice: cannot start: INVENTORY_FAULT breaks the service on purpose; it"
            " needs DEMO_MODE=1. Correct the environment and start again.\n",
        ),
    ],
)
def test_bad_settings_end_in_one_line_and_exit_2(
    environment: dict[str, str], run_main: RunMain, changed: dict[str, str], line: str
) -> None:
    process = run_main(environment, **changed)
    assert process.communicate(timeout=20) == ("", line)
    assert process.returncode == 2


def test_the_exit_fault_ends_the_start(environment: dict[str, str], run_main: RunMain) -> None:
    process = run_main(environment, INVENTORY_FAULT="exit", DEMO_MODE="1")
    assert process.communicate(timeout=20) == (
        "",
        "new-microservice: INVENTORY_FAULT=exit: exiting at start\n",
    )
    assert process.returncode == 3


def test_the_crash_fault_says_so_and_kills_the_process(
    environment: dict[str, str], run_main: RunMain
) -> None:
    fault = {"INVENTORY_FAULT": "crash:3", "DEMO_MODE": "1"}
    with serving(run_main, environment, **fault) as (process, client):
        assert [client.get("/v1/stock").status_code for _ in range(2)] == [200, 200]
        with pytest.raises(httpx2.TransportError):
            client.get("/v1/stock")
        _, printed = process.communicate(timeout=10)
    assert process.returncode == -signal.SIGABRT
    assert "new-microservice: INVENTORY_FAULT=crash: dying on business request 3\n" in printed


@pytest.mark.parametrize(
    ("fault", "answered", "code", "words"),
    [
        ("leak:256mb", 1, 137, "INVENTORY_FAULT=leak: 512 MB are leaked"),
        ("late:0s:exit", 0, 3, "INVENTORY_FAULT=exit: exiting late"),
    ],
)
def test_a_fault_that_ends_the_process_says_so(
    environment: dict[str, str],
    run_main: RunMain,
    fault: str,
    answered: int,
    code: int,
    words: str,
) -> None:
    changed = {"INVENTORY_FAULT": fault, "DEMO_MODE": "1"}
    with serving(run_main, environment, **changed) as (process, client):
        for _ in range(answered):
            assert client.get("/v1/stock").status_code == 200
        with pytest.raises(httpx2.TransportError):
            client.get("/v1/stock")
        _, printed = process.communicate(timeout=10)
    assert process.returncode == code
    assert f"new-microservice: {words}\n" in printed


def test_a_stop_is_announced_and_loses_no_request(
    environment: dict[str, str], run_main: RunMain
) -> None:
    slow = {"INVENTORY_FAULT": "latency:2500ms", "DEMO_MODE": "1"}
    with (
        serving(run_main, environment, **slow) as (process, client),
        concurrent.futures.ThreadPoolExecutor() as threads,
    ):
        assert client.get("/readyz").status_code == 200
        in_flight = threads.submit(client.get, "/v1/stock")
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        for _ in range(50):
            announced = client.get("/readyz")
            if announced.status_code == 503:
                break
            time.sleep(0.02)
        assert (announced.status_code, announced.json()["detail"]) == (
            503,
            "the service is stopping",
        )
        assert announced.headers["connection"] == "close"
        # A new request is still served: not everybody has heard of it yet.
        assert client.get("/version").status_code == 200
        assert in_flight.result().status_code == 200
        assert process.wait(timeout=10) == 0


def test_logs_are_json_with_the_request_and_never_the_password(
    environment: dict[str, str], run_main: RunMain
) -> None:
    # A role that does not exist: the database refuses, and the driver has a lot to say about it.
    wrong = {"DB_USER": "nobody", "LOG_LEVEL": "DEBUG"}
    with serving(run_main, environment, **wrong) as (process, client):
        assert client.get("/v1/stock", headers={"X-Request-Id": "abc"}).status_code == 503
        arguments = Path(f"/proc/{process.pid}/cmdline").read_text()
        process.send_signal(signal.SIGINT)
        printed, logged = process.communicate(timeout=20)
    assert "secret-of-the-test" not in printed + logged + arguments
    lines = [json.loads(line) for line in logged.splitlines()]
    assert all(line["service"] == "new-microservice" for line in lines)
    answered = [line for line in lines if line.get("request_id") == "abc"]
    assert (
        answered[-1].items()
        >= {
            "event": "answered",
            "route": "/v1/stock",
            "status": 503,
            "revision": "r1",
            "level": "warning",
        }.items()
    )
