"""The command line of Kubernetes, of the cluster's own version, as the cluster's administrator."""

import os
import subprocess
from pathlib import Path
from subprocess import CompletedProcess

from tests.cluster.credentials import ADMINISTRATOR, kubeconfig
from tests.cluster.waiting import ClusterFailed

_TIMEOUT_S = 150


def kubectl(built: Path, *arguments: str, text: str = "") -> str:
    """Run it with a text as its input; return what it wrote. Raises ClusterFailed.

    built: the folder of the node's programs.
    """
    done = _run(built, arguments, text)
    if done.returncode != 0:
        raise ClusterFailed(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def succeeds(built: Path, *arguments: str) -> bool:
    """Run it and tell whether it agreed."""
    return _run(built, arguments, "").returncode == 0


def _run(built: Path, arguments: tuple[str, ...], text: str) -> "CompletedProcess[str]":
    return subprocess.run(
        (
            str(built / "kubernetes"),
            "kubectl",
            f"--kubeconfig={kubeconfig(ADMINISTRATOR)}",
            *arguments,
        ),
        check=False,
        input=text,
        # No cache: another cluster may have been at the same address.
        env={**os.environ, "KUBECACHEDIR": os.devnull, "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
    )
