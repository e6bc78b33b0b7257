"""Brings the cluster up, takes it down, and takes single programs of it away for a while."""

import fcntl
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psutil

from tests.cluster import addons, init, isolation
from tests.cluster.building import build
from tests.cluster.credentials import ADMINISTRATOR, kubeconfig, write_credentials
from tests.cluster.kubectl import succeeds
from tests.cluster.layout import (
    CACHE,
    CREDENTIALS,
    HELD,
    HOST_LINK,
    KUBECONFIG,
    LOGS,
    SETTINGS,
    STATE,
    VOLUMES,
    log,
)
from tests.cluster.machine import require_machine
from tests.cluster.programs import API_SERVER, Program, programs
from tests.cluster.settings import write_settings
from tests.cluster.waiting import ClusterFailed, wait_until

_LOG = logging.getLogger(__name__)
_SOURCES = Path(__file__).parents[2]
_START_TIMEOUT_S = 10
_API_TIMEOUT_S = 60
_END_TIMEOUT_S = 30


def up() -> Path:
    """Bring the cluster up unless it is; return the kubeconfig of its administrator.

    What is left of one that ended badly is removed first. Raises ClusterFailed.
    """
    require_machine()
    with _locked("lock"):
        built = build()
        if not _is_up(built):
            _remove()
            _start(built)
            _await_api(built)
            addons.install(built)
            # Last, so that it is there only when all is.
            shutil.copy(kubeconfig(ADMINISTRATOR), KUBECONFIG)
    return KUBECONFIG


def down() -> None:
    """End the cluster and remove all of it. May be repeated."""
    with _locked("lock"):
        _remove()


@contextmanager
def lent() -> Iterator[Path]:
    """Have the cluster up meanwhile for this process alone; yield its administrator's kubeconfig.

    Another process that has it is waited for. Where one was up before, one is up afterwards.
    """
    with _locked("lent"):
        is_made = first_process() is None
        try:
            yield up()
        finally:
            if is_made:
                down()


@contextmanager
def stopped(name: str) -> Iterator[None]:
    """Kill a program of the node, such as kube-apiserver, and start it again in the end.

    The API server answers again when this is over. Raises ClusterFailed.
    """
    first = first_process()
    if first is None:
        raise ClusterFailed("no cluster runs")
    [program] = [each for each in programs(_built(first)) if each.name == name]
    held = HELD / name
    held.touch()
    try:
        _await_change(first, program, runs=False)
        yield
    finally:
        held.unlink()
    _await_change(first, program, runs=True)
    _await_api(_built(first))


@contextmanager
def _locked(name: str) -> Iterator[None]:
    """Hold the lock of that name; wait for whoever holds it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / name).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_up(built: Path) -> bool:
    """Tell whether a whole cluster of this build runs, or does so again in a moment."""
    first = first_process()
    if first is None or _built(first) != built or not KUBECONFIG.exists():
        return False
    # Left by a test that was killed.
    for held in HELD.iterdir():
        held.unlink()
    try:
        _await_api(built)
        addons.await_node(built)
    except ClusterFailed as reason:
        _LOG.info("the cluster is made anew: %s", reason)
        return False
    return True


def _start(built: Path) -> None:
    """Start the first process; it starts the others."""
    for folder in (STATE, CREDENTIALS, HELD, LOGS, SETTINGS, VOLUMES):
        folder.mkdir()
    write_credentials()
    write_settings()
    with log("init").open("w") as output:
        subprocess.Popen(
            (
                *("unshare", "--mount", "--pid", "--ipc", "--mount-proc", "--propagation=slave"),
                *("--fork", "--kill-child", sys.executable, "-m", isolation.__name__, str(built)),
            ),
            # The folder that the sources are in may go before the cluster does.
            cwd="/",
            env={
                **os.environ,
                "NO_PROXY": "*",
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONPATH": str(_SOURCES),
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    wait_until(
        "the node's first process",
        lambda: first_process() is not None,
        timeout_s=_START_TIMEOUT_S,
        log=log("init"),
    )


def first_process() -> psutil.Process | None:
    """Find it by what it runs: no file has to be right about that."""
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess):
            if process.cmdline()[1:3] == ["-m", init.__name__]:
                return process
    return None


def _built(first: psutil.Process) -> Path:
    return Path(first.cmdline()[3])


def _await_change(first: psutil.Process, program: Program, *, runs: bool) -> None:
    def is_it(process: psutil.Process) -> bool:
        # Without the program that starts it in another network.
        command = _command(process)
        return bool(command) and list(program.argv)[-len(command) :] == command

    wait_until(
        f"{program.name} to be {'back' if runs else 'gone'}",
        lambda: any(map(is_it, first.children())) is runs,
        timeout_s=_START_TIMEOUT_S,
        log=log(program.name),
    )


def _command(process: psutil.Process) -> list[str]:
    with suppress(psutil.NoSuchProcess):
        return process.cmdline()
    return []


def _await_api(built: Path) -> None:
    wait_until(
        "the API server",
        lambda: succeeds(built, "get", "--raw=/readyz"),
        timeout_s=_API_TIMEOUT_S,
        log=log(API_SERVER),
    )


def _remove() -> None:
    first = first_process()
    if first is not None:
        _LOG.info("ending the cluster")
        # It is gone when the kernel has killed all others of its namespaces.
        first.kill()
        psutil.wait_procs([first], timeout=_END_TIMEOUT_S)
    # It goes with its namespace; but the kernel takes its time over that.
    subprocess.run(("ip", "link", "delete", HOST_LINK), capture_output=True, check=False)
    for group in isolation.control_groups():
        wait_until(
            f"{group} to be empty",
            partial(_is_removed, group),
            timeout_s=_END_TIMEOUT_S,
            log=log("init"),
        )
    if STATE.exists():
        shutil.rmtree(STATE)


def _is_removed(group: Path) -> bool:
    # Those inside first; a group that still has a process stays.
    with suppress(OSError):
        for folder, _, _ in os.walk(group, topdown=False):
            Path(folder).rmdir()
    return not group.exists()
