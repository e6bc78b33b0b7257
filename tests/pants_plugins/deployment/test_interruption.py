"""An interrupted run of Pants exits with 130, any other as before."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from deployment.interruption import telling_interruption
from tests.pants_plugins.repositories import Repository

SETTINGS = """
[GLOBAL]
pants_version = "2.17.1"
pythonpath = ["%(buildroot)s/pants-plugins"]
backend_packages = [
  "pants.backend.docker", "pants.backend.experimental.adhoc", "pants.backend.python",
  "pants.backend.shell", "deployment", "docker_images",
]
pantsd = false

[python]
interpreter_constraints = ["CPython==3.11.*"]
"""
TARGETS = """
run_shell_command(
    name="tool", command="trap 'kill $!; echo undone; exit 130' INT; sleep 60 & echo begun; wait",
)
deployment(name="deploy", tool=":tool", packages={})
"""


def interrupted() -> int:
    raise KeyboardInterrupt


def test_an_interrupted_run_exits_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert telling_interruption(interrupted)() == 130
    assert capsys.readouterr().err == "Interrupted by user.\n"


@pytest.mark.parametrize("code", [0, 1, 4])
def test_any_other_exit_code_is_passed_on(code: int) -> None:
    assert telling_interruption(lambda: code)() == code


def test_a_plugin_that_is_registered_again_changes_nothing_more() -> None:
    once = telling_interruption(interrupted)
    assert telling_interruption(once) is once


def test_the_tool_that_pants_runs_ends_in_order_and_pants_says_so(tmp_path: Path) -> None:
    files = {"pants.toml": SETTINGS, "BUILD": TARGETS}
    Repository(tmp_path, files, plugins=("deployment", "docker_images"))
    with subprocess.Popen(
        [tmp_path / "pants", "run", ":deploy"],
        cwd=tmp_path, env=dict(os.environ), stdout=subprocess.PIPE, text=True,
    ) as pants:  # fmt: skip
        assert pants.stdout is not None
        assert pants.stdout.readline() == "begun\n"
        pants.send_signal(signal.SIGINT)
        output, _ = pants.communicate(timeout=60)
    assert (pants.returncode, output) == (130, "undone\n")
