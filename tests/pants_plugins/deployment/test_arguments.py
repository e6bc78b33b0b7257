"""What the run rule reads from the command line and hands to the tool."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deployment.arguments import (
    calling,
    chosen_target,
    environment,
    named_command,
    names_release,
    telling,
)


@pytest.mark.parametrize(
    ("arguments", "target"),
    [
        (["canary"], "local"),
        (["--target", "compose", "up"], "compose"),
        (["up", "--target=kubernetes"], "kubernetes"),
        (["--target", "local", "up", "--target", "compose"], "compose"),
        ([], "local"),
        # The tool says what is wrong with these.
        (["up", "--target"], "local"),
        (["--target=", "up"], ""),
    ],
)
def test_the_last_target_option_chooses_what_is_built(arguments: list[str], target: str) -> None:
    assert chosen_target(arguments) == target


@pytest.mark.parametrize(
    ("arguments", "is_named"),
    [
        (["up"], False),
        (["up", "--release", "release.json"], True),
        (["--target", "compose", "canary", "--release=release.json"], True),
        (["canary", "--env", "release=1"], False),
        (["up", "--", "--release", "release.json"], False),
    ],
)
def test_a_release_is_built_already(arguments: list[str], is_named: bool) -> None:
    assert names_release(arguments) is is_named


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["push", "localhost:5000"], "push"),
        (["--target", "compose", "push", "--key", "a.key"], "push"),
        (["up"], ""),
        (["load", "--", "push"], ""),
    ],
)
def test_programs_come_with_the_command_that_needs_them(arguments: list[str], command: str) -> None:
    assert named_command(arguments, {"push"}) == command


def test_arguments_of_somebody_else_choose_nothing() -> None:
    assert chosen_target(["up", "--", "--target", "compose"]) == "local"


def test_the_tool_finds_each_component_in_its_sandbox() -> None:
    variables = environment(
        {"shop": "packages/shop/shop.pex", "stock": "packages/stock/s.pex"},
        {"syft": "programs/syft/syft.pex"},
        "",
    )

    assert json.loads(variables.pop("DEPLOYTOOL_ARTIFACTS")) == {
        "shop": "{chroot}/packages/shop/shop.pex",
        "stock": "{chroot}/packages/stock/s.pex",
    }
    assert json.loads(variables.pop("DEPLOYTOOL_PROGRAMS")) == {
        "syft": "{chroot}/programs/syft/syft.pex"
    }
    assert variables == {"DEPLOYTOOL_CALLED": ""}


def test_the_tool_is_told_how_it_was_called() -> None:
    address = "src/tool:tool"
    assert calling("./pants", address, {}) == "./pants run src/tool:tool --"
    aliases = {"green": "lint test", "tool": address}
    assert calling("pants", address, aliases) == "pants run tool --"
    assert environment({}, {}, "pants run tool --")["DEPLOYTOOL_CALLED"] == "pants run tool --"


def test_a_first_start_is_told_and_the_next_ones_are_as_without(tmp_path: Path) -> None:
    program = "import sys; print(sys.argv[1:]); sys.exit(5)"
    tool = [sys.executable, "-c", program, "a b", "--target", "x"]
    started = telling(tool, str(tmp_path / "started"))
    first, second = (
        subprocess.run(started, capture_output=True, text=True, check=False) for _ in range(2)
    )
    assert "unpacks itself first" in first.stderr
    assert second.stderr == ""
    for ended in (first, second):
        assert (ended.returncode, ended.stdout) == (5, "['a b', '--target', 'x']\n")


def test_the_tool_starts_also_where_it_cannot_be_noted_that_it_has(tmp_path: Path) -> None:
    started = telling(["echo", "it runs"], str(tmp_path / "no such folder" / "started"))
    ended = subprocess.run(started, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "it runs\n")
    assert len(ended.stderr.splitlines()) == 1
