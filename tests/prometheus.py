"""The real Prometheus for tests, on a free port of this machine; what it keeps is in a folder."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

HOST = "127.0.0.1"
_STARTS_WITHIN_S = 30


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


@contextmanager
def prometheus(folder: Path, jobs: list[dict[str, Any]], *, interval_s: int) -> Iterator[str]:
    """Have Prometheus read these jobs meanwhile; yield its URL.

    Where it is not installed the test is left out, unless a whole deployment is to be tried here.
    """
    program = shutil.which("prometheus")
    if program is None:
        missing = "there is no program `prometheus` (Debian has it in a package of this name)"
        if os.environ.get("CLUSTER_FOR_TESTS"):
            pytest.fail(f"CLUSTER_FOR_TESTS is set, and {missing}")
        pytest.skip(f"left out: {missing}")
    timing = {"scrape_interval": f"{interval_s}s", "scrape_timeout": f"{interval_s}s"}
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump({"global": timing, "scrape_configs": jobs}))
    address = f"{HOST}:{free_port()}"
    log = folder / "prometheus.log"
    argv = [
        program, f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]  # fmt: skip
    with log.open("w") as words:
        process = subprocess.Popen(argv, cwd=folder, stdout=words, stderr=words)
    try:
        _await_ready(f"http://{address}", process, log)
        yield f"http://{address}"
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN_S
    with httpx2.Client(trust_env=False, timeout=2) as client:
        while not _is_ready(client, url):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"Prometheus did not get ready:\n{log.read_text()[-3000:]}")
            time.sleep(0.1)


def _is_ready(client: httpx2.Client, url: str) -> bool:
    try:
        return client.get(f"{url}/-/ready").status_code == httpx2.codes.OK
    except httpx2.HTTPError:
        return False
