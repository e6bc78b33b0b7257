"""What is left behind to go on with an operation, under the real supervisord."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from deploytool.platforms.base import Platform
from deploytool.platforms.local.orphans import processes
from tests.deploytool.platforms.local.conftest import Place, equipped_place

# Does what it is told to: ends with an exit code, or stays.
TOOL = """
import os, sys, time
print("begins", *sys.argv[1:], os.getcwd(), flush=True)
if sys.argv[1] == "end":
    sys.exit(int(sys.argv[2]))
time.sleep(60)
"""


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory, unpacked: Place) -> Iterator[Place]:
    place = equipped_place(tmp_path_factory.mktemp("a repository"), unpacked)
    yield place
    with place.open() as platform:
        platform.down(remove_volumes=True, deadline_s=20)


@pytest.fixture
def platform(target: Place) -> Iterator[Platform]:
    with target.open() as platform:
        platform.prepare()
        yield platform
        platform.end_detached()
    (target.folder / "logs/deploytool.log").unlink()


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    path = tmp_path / "tool.pex"
    path.write_text(TOOL)
    return path


def begun(log: str) -> list[str]:
    """Return what the tool wrote at each of its starts."""
    lines = Path(log).read_text().splitlines() if Path(log).exists() else []
    return [line for line in lines if line.startswith("begins")]


def pids(target: Place) -> list[int]:
    """Return the processes that run the copy of the tool."""
    copies = f"{target.folder}/tool/"
    found = []
    for each in processes(target.folder):
        with suppress(psutil.NoSuchProcess):  # it has ended since
            if any(copies in word for word in each.cmdline()):
                found.append(each.pid)
    return found


def until(condition: Callable[[], bool], limit_s: float = 20) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_killed_it_is_started_again_as_it_was_without_the_build_it_came_from(
    target: Place, platform: Platform, tool: Path
) -> None:
    log = platform.detach(tool, ["stay", "two words"])
    tool.unlink()
    until(lambda: len(begun(log)) == 1)
    os.kill(pids(target)[0], signal.SIGKILL)
    until(lambda: len(begun(log)) == 2)
    assert begun(log) == [f"begins stay two words {target.root}"] * 2
    platform.prepare()
    assert pids(target) != []
    platform.end_detached()
    assert pids(target) == []


@pytest.mark.parametrize("code", [0, 4, 130])
def test_ended_by_itself_it_stays_so_and_the_next_operation_forgets_it(
    target: Place, platform: Platform, tool: Path, code: int
) -> None:
    log = platform.detach(tool, ["end", str(code)])
    until(lambda: len(begun(log)) == 1 and not pids(target))
    time.sleep(2)  # it would have been started again by now
    assert len(begun(log)) == 1
    platform.prepare()
    assert list(target.folder.glob("supervisor/programs/deploytool.*")) == []
