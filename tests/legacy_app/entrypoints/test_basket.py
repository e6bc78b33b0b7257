"""The basket cookie, which anybody can write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legacy_app.entrypoints import basket


@pytest.mark.parametrize(
    ("cookie", "meaning"),
    [
        ("", {}),
        ("CUP:2|JUG:1", {"CUP": 2, "JUG": 1}),
        ("CUP:2|nonsense|JUG:0|:3|JUG:-1|JUG:1e9|<b>:1", {"CUP": 2}),
        ("CUP:9999", {"CUP": 1000}),
        ("|".join(f"S{n}:1" for n in range(50)), {f"S{n}": 1 for n in range(10)}),
    ],
)
def test_what_makes_no_sense_is_left_out(cookie: str, meaning: dict[str, int]) -> None:
    assert basket.parse(cookie) == meaning


@given(st.text())
def test_any_cookie_becomes_a_basket_that_survives_the_round_trip(cookie: str) -> None:
    parsed = basket.parse(cookie)
    assert basket.parse(basket.serialize(parsed)) == parsed


def test_changing_it() -> None:
    assert basket.changed({"CUP": 1}, "CUP", 5) == {"CUP": 5}
    assert basket.changed({"CUP": 1}, "CUP", 0) == {}
    assert basket.changed({}, "CUP", 0) == {}
    assert basket.changed({"CUP": 1}, "JUG", 5000) == {"CUP": 1, "JUG": 1000}
    full = {f"S{n}": 1 for n in range(10)}
    assert basket.changed(full, "CUP", 1) == full
