"""The gate itself, with stand-ins for what selects and installs."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.pipeline.shop import described

NOTHING: dict[str, Any] = {
    **{key: [] for key in ("lint", "types", "checks", "packages", "images", "stages")},
    "run": False,
    "tests": {stage: [] for stage in ("parts", "compose", "local", "kubernetes")},
}
CHECKS = {"name": "checks", "engine": False, "cluster": False}


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Return a repository that has no more than the gate."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(Path.cwd() / ".ci" / "run", tmp_path / ".ci")
    git = ("git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message=one"], check=True)
    return tmp_path


def run(
    gate: Path, stages: list[dict[str, Any]], *arguments: str, listing: str = "--list"
) -> subprocess.CompletedProcess[str]:
    prepare(gate, stages)
    return subprocess.run(
        [gate / ".ci" / "run", *arguments, *filter(None, [listing])],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def prepare(gate: Path, stages: list[dict[str, Any]]) -> None:
    """Have the stages selected, and all that they need installed."""
    selection = json.dumps({**NOTHING, "stages": stages})
    for name, command in {"install": "true", "select": f"echo '{selection}'"}.items():
        (gate / ".ci" / name).write_text(f"#!/bin/sh\n{command}\n")
        (gate / ".ci" / name).chmod(0o755)


def test_a_stage_that_was_selected_and_finds_nothing_to_do_is_an_error(gate: Path) -> None:
    ended = run(gate, [CHECKS], "abc", "--stage", "parts", "--required")
    assert ended.returncode == 1
    assert "the stage parts has nothing to do, and it was selected" in ended.stderr
    assert "since abc other stages are selected here: checks" in ended.stderr


def test_a_stage_that_has_something_to_do_does_it(gate: Path) -> None:
    ended = run(gate, [CHECKS], "abc", "--stage", "checks", "--required")
    assert ended.returncode == 0, ended.stderr
    assert "stage checks" in ended.stdout


def test_a_person_may_ask_for_a_stage_that_has_nothing_to_do(gate: Path) -> None:
    ended = run(gate, [CHECKS], "abc", "--stage", "parts")
    assert ended.returncode == 0, ended.stderr
    assert "nothing to do" in ended.stdout


def test_without_a_stage_nothing_can_be_required(gate: Path) -> None:
    ended = run(gate, [CHECKS], "--required")
    assert ended.returncode == 2
    assert "--required" in ended.stderr


def test_tests_that_go_on_beside_others_end_with_the_gate(gate: Path) -> None:
    # Like Pants it minds SIGINT, also in the background.
    program = f"""#!{sys.executable}
import os, signal, sys, time
signal.signal(signal.SIGINT, lambda *_: sys.exit(1))
open(f"{{'beside' if '--concurrent' in sys.argv else 'first'}}.{{os.getpid()}}", "w").close()
time.sleep(60)
"""
    (gate / "pants").write_text(program)
    (gate / "pants").chmod(0o755)
    prepare(gate, [{**CHECKS, "name": name} for name in ("compose", "kubernetes")])
    with subprocess.Popen([gate / ".ci" / "run"], stdout=subprocess.DEVNULL) as process:
        first, beside = started(gate, "first"), started(gate, "beside")
        process.terminate()
        # Whoever ends the gate ends what it waits for as well.
        first.kill()
        process.wait(30)
    assert not beside.is_running()


def started(gate: Path, name: str) -> psutil.Process:
    deadline = time.monotonic() + 30
    while not (found := list(gate.glob(f"{name}.*"))):
        assert time.monotonic() < deadline, f"{name} is not started"
        time.sleep(0.1)
    return psutil.Process(int(found[0].suffix[1:]))


@pytest.mark.parametrize(("tags", "code"), [(["local"], 0), ([], 1)])
def test_the_checks_fail_for_a_test_that_no_stage_runs(
    gate: Path, tags: list[str], code: int
) -> None:
    address = "tests/test_system.py"
    target = described(address, "python_test", sources=[address], tags=["end-to-end", *tags])
    (gate / "targets").write_text(json.dumps([target]))
    (gate / "pants").write_text('#!/bin/sh\ncase "$*" in "peek ::") cat targets;; esac\n')
    (gate / "pants").chmod(0o755)
    shutil.copytree(Path.cwd() / "src/python/pipeline", gate / "src/python/pipeline")
    ended = run(gate, [CHECKS], "--stage", "checks", listing="")
    assert ended.returncode == code, ended.stderr
    assert (f"{address} is tagged end-to-end, and not with one platform" in ended.stderr) is (
        code == 1
    )
