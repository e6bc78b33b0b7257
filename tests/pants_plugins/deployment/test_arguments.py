"""What the run rule reads from the command line and hands to the tool."""

import json

import pytest

from deployment.arguments import calling, chosen_target, environment


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


def test_arguments_of_somebody_else_choose_nothing() -> None:
    assert chosen_target(["up", "--", "--target", "compose"]) == "local"


def test_the_tool_finds_each_component_in_its_sandbox() -> None:
    variables = environment({"shop": "packages/shop/shop.pex", "stock": "packages/stock/s.pex"}, "")

    assert json.loads(variables.pop("DEPLOYTOOL_ARTIFACTS")) == {
        "shop": "{chroot}/packages/shop/shop.pex",
        "stock": "{chroot}/packages/stock/s.pex",
    }
    assert variables == {"DEPLOYTOOL_CALLED": ""}


def test_the_tool_is_told_how_it_was_called() -> None:
    address = "src/tool:tool"
    assert calling("./pants", address, {}) == "./pants run src/tool:tool --"
    aliases = {"green": "lint test", "tool": address}
    assert calling("pants", address, aliases) == "pants run tool --"
    assert environment({}, "pants run tool --")["DEPLOYTOOL_CALLED"] == "pants run tool --"
