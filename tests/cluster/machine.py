"""What the cluster needs of the machine, and the words that say what is missing."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.cluster.settings import PLUGINS
from tests.cluster.waiting import ClusterFailed

# A program to look for, and the Debian package that it comes in.
_PACKAGES = {
    "conntrack": "conntrack",
    "containerd": "containerd",
    "docker-registry": "docker-registry",
    "ip": "iproute2",
    "ipset": "ipset",
    "iptables": "iptables",
    "mount": "mount",
    "nsenter": "util-linux",
    "runc": "runc",
    "sysctl": "procps",
    str(PLUGINS / "bridge"): "containernetworking-plugins",
}
_BRIDGED = Path("/proc/sys/net/bridge")


def require_machine() -> None:
    """Raise ClusterFailed when the cluster cannot run here."""
    if os.geteuid() != 0:
        raise ClusterFailed("the cluster makes namespaces and mounts: run it as root")
    missing = sorted({package for program, package in _PACKAGES.items() if not _has(program)})
    if missing:
        raise ClusterFailed(
            "programs of the cluster are missing: "
            f"`apt-get install --no-install-recommends {' '.join(missing)}`"
        )
    if not _BRIDGED.exists():
        # Without it packets between pods of one bridge pass no policy.
        subprocess.run(("modprobe", "br_netfilter"), capture_output=True, check=False)
    if not _BRIDGED.exists():
        raise ClusterFailed("the kernel has no br_netfilter, without which policies do not hold")


def _has(program: str) -> bool:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None
