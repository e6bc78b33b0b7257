"""What people are told to type is what they can type."""

import pytest

from deploytool.cli.calling import as_called, last_value

THROUGH_PANTS = {"DEPLOYTOOL_CALLED": "./pants run deploytool --"}
HINT = "`deploytool resume` goes on, `deploytool logs shop` tells why"


@pytest.mark.parametrize(
    ("target", "environment", "told"),
    [
        ("local", {}, HINT),
        (
            "local",
            THROUGH_PANTS,
            "`./pants run deploytool -- resume` goes on, "
            "`./pants run deploytool -- logs shop` tells why",
        ),
        (
            "compose",
            THROUGH_PANTS,
            "`./pants run deploytool -- resume --target compose` goes on, "
            "`./pants run deploytool -- logs shop --target compose` tells why",
        ),
    ],
)
def test_hints_name_the_command_as_it_was_called(
    target: str, environment: dict[str, str], told: str
) -> None:
    assert as_called(HINT, target, environment) == told


@pytest.mark.parametrize(
    "text",
    [
        "`deploytool up --target moon`",
        "`deploytool up --help`",
        "run `./pants run deploytool -- up`",
    ],
)
def test_what_has_its_target_needs_none_and_nor_does_help(text: str) -> None:
    assert as_called(text, "compose", {}) == text


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["--output", "json", "up"], "json"),
        (["up", "--output=json"], "json"),
        (["--output", "json", "--output", "text"], "text"),
        (["up", "--", "--output", "json"], "text"),
        (["up", "--output"], "text"),
    ],
)
def test_an_option_is_known_also_where_the_line_is_wrong(arguments: list[str], value: str) -> None:
    assert last_value(arguments, "--output", "text") == value
