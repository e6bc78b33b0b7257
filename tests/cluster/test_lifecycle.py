"""The cluster comes, goes, and heals, and leaves the machine as it was."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from tests.cluster.conftest import Namespace
from tests.cluster.kubectl import succeeds
from tests.cluster.layout import HOST_LINK, NAME, STATE
from tests.cluster.lifecycle import down, first_process, stopped, up
from tests.cluster.programs import API_SERVER

SOURCES = Path(__file__).parents[2]
# In whatever the machine lists, these are the cluster's.
_OURS = (NAME, HOST_LINK, "10.213.0.", "10.214.0.", "10.215.0.", "KUBE-", "CNI-", "tests.cluster.i")
_LISTS = (
    ("cat", "/proc/mounts"),
    ("ip", "link"),
    ("ip", "route"),
    ("ip", "netns"),
    ("iptables-save",),
)


def _traces() -> list[str]:
    """Return what shows of the cluster on the machine."""
    groups = [str(path) for path in Path("/sys/fs/cgroup").glob(f"**/{NAME}")]
    listed = [line for argv in _LISTS for line in _output(argv).splitlines() if _is_ours(line)]
    started = [command for command in _commands() if _is_ours(command)]
    return [*groups, *listed, *started, *(str(path) for path in (STATE,) if path.exists())]


def _output(argv: Sequence[str]) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def _commands() -> list[str]:
    own = os.getpid()
    found = (each.info for each in psutil.process_iter(["pid", "cmdline"]) if each.pid != own)
    return [" ".join(each["cmdline"] or ()) for each in found]


def _is_ours(line: str) -> bool:
    return any(ours in line for ours in _OURS)


def _kernel() -> str:
    names = ("vm.overcommit_memory", "kernel.panic", "kernel.panic_on_oops", "net.ipv4.ip_forward")
    return _output(("sysctl", *names))


def test_up_does_nothing_when_all_is_up(cluster: Path) -> None:
    before = first_process()
    up()
    assert first_process() == before


def test_no_other_process_is_lent_the_cluster_meanwhile(cluster: Path) -> None:
    lending = "from tests.cluster.lifecycle import lent\nwith lent(): pass"
    with subprocess.Popen(
        (sys.executable, "-c", lending), env={**os.environ, "PYTHONPATH": str(SOURCES)}
    ) as other:
        try:
            with pytest.raises(subprocess.TimeoutExpired):
                other.wait(5)
        finally:
            other.kill()


def test_the_api_server_can_be_taken_away_for_a_while(namespace: Namespace) -> None:
    with stopped(API_SERVER):
        assert not succeeds(namespace.built, "get", "namespaces", "--request-timeout=2s")
    assert succeeds(namespace.built, "get", "namespaces")


def test_up_heals_a_cluster_that_was_killed(cluster: Path) -> None:
    killed = first_process()
    assert killed is not None
    killed.kill()
    up()
    assert first_process() not in (None, killed)
    assert succeeds(cluster, "get", "nodes")


def test_down_leaves_nothing_and_up_only_what_is_the_clusters_own(cluster: Path) -> None:
    assert any(HOST_LINK in trace for trace in _traces())
    down()
    assert _traces() == []
    # Again, with nothing to do.
    down()

    before = _kernel()
    up()
    assert _kernel() == before
    assert not any("KUBE-" in line for line in _output(("iptables-save",)).splitlines())
