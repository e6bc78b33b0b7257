"""Killed on its way through the machine, a replacement of containers is resumed or taken back.

Every transition is tried on the local target; here those of one promotion and of one way back.
"""

from collections.abc import Callable, Iterator

import pytest

from deploytool.traffic.load.counts import LoadCounts
from tests.end_to_end.compose.conftest import Deploytool
from tests.end_to_end.deployed import COMPONENT, consistent
from tests.end_to_end.fault_matrix import Matrix, quick_canaries
from tests.end_to_end.walks import ABORTED, RESUMED, Walk, name

REVISION = "SERVICE_REVISION="


class ComposeMatrix(Matrix):
    """The system on the compose target."""

    store = "deploytool.record.file_store:FileStore"

    def __init__(self, tool: Deploytool) -> None:
        super().__init__(tool)
        self._compose = tool

    def weight(self, component: str) -> int:
        with self._compose.router() as router:
            return router.canary_percent(component, None)

    def running(self) -> list[str]:
        settings = [word for each in self._compose.containers() for word in each["Config"]["Env"]]
        return [word.removeprefix(REVISION) for word in settings if word.startswith(REVISION)]


@pytest.fixture(scope="module")
def matrix(deployed: Deploytool) -> Iterator[ComposeMatrix]:
    with quick_canaries(deployed.root):
        # Something to go back to.
        deployed.done("canary", COMPONENT, "--env", "TRIAL=first", "--load", "80")
        yield ComposeMatrix(deployed)
    consistent(deployed)


@pytest.fixture(autouse=True)
def nobody_notices(matrix: ComposeMatrix) -> Iterator[None]:
    visitors: Callable[[], LoadCounts]
    with matrix.tool.visitors(rate=40) as visitors, matrix.unnoticed(visitors):
        yield
    assert visitors().requests > 0


@pytest.mark.parametrize("walk", [RESUMED[0], ABORTED[1]], ids=name)
def test_killed_after_a_transition(matrix: ComposeMatrix, walk: Walk) -> None:
    matrix.go(walk, "after")
