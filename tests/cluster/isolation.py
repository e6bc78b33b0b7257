"""Makes the node's own world, as process 1 in fresh mount, PID and IPC namespaces, then runs init.

Nothing here is undone: all of it goes when the last process of the namespaces does.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.layout import (
    CONTROL_GROUP,
    HOST_ADDRESS,
    HOST_LINK,
    HOST_NETWORK,
    LINK_BITS,
    NODE_ADDRESS,
    NODE_LINK,
    NODE_NETWORK,
    POD_NETWORK,
    SERVICE_NETWORK,
    STATE,
)

# What the kubelet wants of the whole machine's kernel, and would set.
_KERNEL = {
    "kernel/keys/root_maxbytes": 25_000_000,
    "kernel/keys/root_maxkeys": 1_000_000,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
}
# By version of the control groups. Any process beside the node weighs as much as a group does by
# itself: an eighth of this, or all pods together would get no more of the processors than it does.
_CPU_SHARES = {"cpu.shares": 8192, "cpu.weight": 800}
_NODE_KERNEL = ("net.ipv4.ip_forward=1", "net.bridge.bridge-nf-call-iptables=1")


def main() -> None:
    """Isolate this process and become init. Its argument: the folder of the node's programs."""
    for argv in (*mounts(), *networks()):
        subprocess.run(argv, check=True)
    _show_settled_kernel()
    make_control_groups()
    # In the node's network, and still process 1.
    first = (sys.executable, "-m", "tests.cluster.init", sys.argv[1])
    os.execvp("nsenter", ("nsenter", f"--net={NODE_NETWORK}", *first))  # noqa: S606


def mounts() -> Sequence[Sequence[str]]:
    """Return what hides the machine's /run, /var/lib and /var/log, but for the cluster's state.

    Programs have paths there that no option changes, such as /var/lib/kubelet/device-plugins.
    """
    kept = "/run/state"
    tmpfs = ("mount", "--types=tmpfs", "tmpfs")
    return (
        (*tmpfs, "/run"),
        ("mkdir", kept),
        ("mount", "--bind", str(STATE), kept),
        (*tmpfs, "/var/lib"),
        (*tmpfs, "/var/log"),
        ("mkdir", "--parents", str(STATE)),
        ("mount", "--move", kept, str(STATE)),
        # Containers see what is mounted into their volumes later; the machine, whose mounts these
        # are slaves of, does not.
        ("mount", "--make-rshared", "/"),
    )


def networks() -> Sequence[Sequence[str]]:
    """Return what makes the node's network and joins it to this one, which is the machine's."""
    host, node = HOST_NETWORK.name, NODE_NETWORK.name
    in_node = ("ip", "-netns", node)
    return (
        ("ip", "netns", "attach", host, str(os.getpid())),
        ("ip", "netns", "add", node),
        ("ip", "link", "add", HOST_LINK, "type", "veth", "peer", "name", NODE_LINK, "netns", node),
        ("ip", "address", "add", f"{HOST_ADDRESS}/{LINK_BITS}", "dev", HOST_LINK),
        ("ip", "link", "set", HOST_LINK, "up"),
        (*in_node, "address", "add", f"{NODE_ADDRESS}/{LINK_BITS}", "dev", NODE_LINK),
        (*in_node, "link", "set", NODE_LINK, "up"),
        (*in_node, "link", "set", "lo", "up"),
        (*in_node, "route", "add", "default", "via", HOST_ADDRESS),
        ("ip", "route", "add", POD_NETWORK, "via", NODE_ADDRESS),
        ("ip", "route", "add", SERVICE_NETWORK, "via", NODE_ADDRESS),
        ("nsenter", f"--net={NODE_NETWORK}", "sysctl", "--quiet", "--write", *_NODE_KERNEL),
    )


def _show_settled_kernel() -> None:
    """Show the kubelet that all is as it wants, so that it leaves the machine's settings alone."""
    for name, value in _KERNEL.items():
        shown = Path("/run/kernel") / name
        shown.parent.mkdir(parents=True, exist_ok=True)
        shown.write_text(f"{value}\n")
        subprocess.run(("mount", "--bind", str(shown), f"/proc/sys/{name}"), check=True)


def control_groups() -> Sequence[Path]:
    """Return where the cluster's control group is, in each hierarchy of this machine."""
    mounted = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    return [
        Path(path) / CONTROL_GROUP for _, path, kind, *_ in mounted if kind in {"cgroup", "cgroup2"}
    ]


def make_control_groups() -> None:
    """Make the group that the kubelet expects to find."""
    for group in control_groups():
        group.mkdir(exist_ok=True)
        for name, share in _CPU_SHARES.items():
            if (group / name).exists():
                (group / name).write_text(f"{share}\n")


if __name__ == "__main__":
    main()
