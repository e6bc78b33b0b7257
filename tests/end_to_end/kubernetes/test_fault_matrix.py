"""Killed at each transition, a replacement in a cluster is gone on with from another directory."""

from collections.abc import Callable, Iterator

import pytest

from deploytool.platforms.kubernetes.objects import REVISION, labels_of
from deploytool.platforms.kubernetes.store import LOCK
from deploytool.traffic.load.counts import LoadCounts
from tests.end_to_end.deployed import COMPONENT, consistent
from tests.end_to_end.fault_matrix import Matrix, quick_canaries
from tests.end_to_end.kubernetes.conftest import Deploytool
from tests.end_to_end.walks import RESUMED, Walk, name


class ClusterMatrix(Matrix):
    """The system on the kubernetes target, in the hands of two machines by turns."""

    store = "deploytool.platforms.kubernetes.store:ClusterStore"

    def __init__(self, one: Deploytool, other: Deploytool) -> None:
        super().__init__(one, other)
        self._one = one

    def weight(self, component: str) -> int:
        [route] = [
            each
            for each in self._one.objects("httproutes")
            if each["metadata"]["name"] == component
        ]
        backends = route["spec"]["rules"][0]["backendRefs"]
        assert backends[0]["name"] == component
        return sum(int(each.get("weight", 1)) for each in backends[1:])

    def see_what_is_told(self) -> None:
        """Free the lock, as its holder is dead: to see that by waiting takes seconds each time.

        test_store.py waits; what status tells of a killed canary is seen on the local target.
        """
        self._one.kubectl("delete", f"lease/{LOCK}", "--ignore-not-found")

    def running(self) -> list[str]:
        return [
            labels_of(each["spec"]["template"])[REVISION]
            for each in self._one.objects("deployments")
            if REVISION in labels_of(each["spec"]["template"])
        ]


@pytest.fixture(scope="module")
def matrix(
    deployed: Deploytool, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ClusterMatrix]:
    with quick_canaries(deployed.root):
        # Something to go back to.
        deployed.done("canary", COMPONENT, "--env", "TRIAL=first", "--load", "80")
        other = deployed.copied(tmp_path_factory.mktemp("matrix") / "elsewhere")
        yield ClusterMatrix(deployed, other)
        other.replay()
    consistent(deployed)


@pytest.fixture(scope="module")
def visitors(matrix: ClusterMatrix) -> Iterator[Callable[[], LoadCounts]]:
    with matrix.tool.visitors() as counts:
        yield counts
        assert counts().requests > 0


@pytest.fixture(autouse=True)
def nobody_notices(matrix: ClusterMatrix, visitors: Callable[[], LoadCounts]) -> Iterator[None]:
    with matrix.unnoticed(visitors):
        yield


@pytest.mark.parametrize("walk", RESUMED, ids=name)
def test_killed_after_a_transition(matrix: ClusterMatrix, walk: Walk) -> None:
    matrix.go(walk, "after")
