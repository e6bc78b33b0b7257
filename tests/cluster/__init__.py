"""A single-node Kubernetes cluster for tests; see README.md."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def lent() -> Iterator[Path]:
    """Yield the kubeconfig of the cluster to test on, which nobody else tests on meanwhile.

    That of KUBECONFIG is not ours to give: others may test on it, too. This one is brought up if it
    is not, and then ended. Raises waiting.ClusterFailed.
    """
    given = os.environ.get("KUBECONFIG")
    if given:
        yield Path(given)
        return
    from tests.cluster import lifecycle  # noqa: PLC0415

    with lifecycle.lent() as made:
        yield made
