"""Numbers as people read them; whole sentences are tested with the verdicts they explain."""

import pytest

from deploytool.canary.words import duration, percent, strength


@pytest.mark.parametrize(
    ("e_value", "text"),
    [(0.0, "under 0.01"), (0.071, "0.071"), (1.83, "1.8"), (99.7, "100"), (4821.0, "4,821"),
     (float("inf"), "over 10,000")],
)  # fmt: skip
def test_an_e_value_has_as_many_figures_as_mean_something(e_value: float, text: str) -> None:
    assert strength(e_value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0003, "0.3 ms"), (0.0051, "5.1 ms"), (0.0123, "12 ms"), (0.5, "500 ms"), (1.234, "1.23 s")],
)
def test_a_latency_is_written_in_the_unit_that_people_use(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("fraction", "text"), [(0, "0 %"), (0.0004, "0.04 %"), (0.05, "5 %"), (0.1234, "12.3 %")]
)
def test_a_share_is_written_with_as_many_figures_as_mean_something(
    fraction: float, text: str
) -> None:
    assert percent(fraction) == text
