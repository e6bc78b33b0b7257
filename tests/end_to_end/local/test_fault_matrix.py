"""Whatever transition deploytool is killed at on the local target, `resume` and `abort` go on."""

from collections.abc import Callable, Iterator

import pytest

from deploytool.traffic.load.counts import LoadCounts
from tests.end_to_end.deployed import COMPONENT, consistent
from tests.end_to_end.fault_matrix import Matrix, quick_canaries
from tests.end_to_end.local.conftest import Deploytool
from tests.end_to_end.walks import (
    ABORTED,
    BEGIN,
    KILLED_BEFORE,
    RESUMED,
    Walk,
    followed_by,
    name,
    transitions,
)


@pytest.mark.parametrize(
    ("command", "walks"), [("resume", RESUMED), ("abort", (*RESUMED, *ABORTED))]
)
def test_every_transition_of_the_machine_is_followed_by_each_command(
    command: str, walks: tuple[Walk, ...]
) -> None:
    assert transitions() | {BEGIN} <= followed_by(command, walks)


class LocalMatrix(Matrix):
    """The system on the local target."""

    store = "deploytool.record.file_store:FileStore"

    def __init__(self, tool: Deploytool) -> None:
        super().__init__(tool)
        self._local = tool

    def weight(self, component: str) -> int:
        with self._local.router() as router:
            return router.canary_percent(component, None)

    def running(self) -> list[str]:
        environments = [process.environ() for process in self._local.processes()]
        return [each["SERVICE_REVISION"] for each in environments if "SERVICE_REVISION" in each]


@pytest.fixture(scope="module")
def matrix(deployed: Deploytool) -> Iterator[LocalMatrix]:
    with quick_canaries(deployed.root):
        # Something to go back to.
        deployed.done("canary", COMPONENT, "--env", "TRIAL=first", "--load", "80")
        yield LocalMatrix(deployed)
    consistent(deployed)


@pytest.fixture(scope="module")
def visitors(matrix: LocalMatrix) -> Iterator[Callable[[], LoadCounts]]:
    with matrix.tool.visitors(rate=40) as counts:
        yield counts
        assert counts().requests > 0


@pytest.fixture(autouse=True)
def nobody_notices(matrix: LocalMatrix, visitors: Callable[[], LoadCounts]) -> Iterator[None]:
    with matrix.unnoticed(visitors):
        yield


@pytest.mark.parametrize("walk", [*RESUMED, *ABORTED], ids=name)
def test_killed_after_a_transition(matrix: LocalMatrix, walk: Walk) -> None:
    matrix.go(walk, "after")


@pytest.mark.parametrize("walk", KILLED_BEFORE, ids=name)
def test_killed_before_a_transition(matrix: LocalMatrix, walk: Walk) -> None:
    matrix.go(walk, "before")


def test_what_every_killed_canary_decided_can_be_computed_again(matrix: LocalMatrix) -> None:
    matrix.tool.replay()
