"""A single-node Kubernetes cluster for tests; see README.md."""

import os
from pathlib import Path


def kubeconfig() -> Path:
    """Return the kubeconfig of the cluster to test on: that of KUBECONFIG, else this one's.

    This one is brought up if it is not, and stays up. Raises waiting.ClusterFailed.
    """
    given = os.environ.get("KUBECONFIG")
    if given:
        return Path(given)
    # What the cluster needs is of no use to those who bring their own.
    from tests.cluster.lifecycle import up  # noqa: PLC0415

    return up()
