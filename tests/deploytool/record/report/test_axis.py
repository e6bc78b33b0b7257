"""Where moments and figures are drawn."""

import pytest

from deploytool.record.report.axis import Linear, Logarithmic, TimeAxis, path


def test_time_runs_evenly_from_the_start_to_the_end() -> None:
    axis = TimeAxis.over([0, 10, 20, 40], poll_s=10)
    assert [axis.x(s) for s in (0, 10, 40, 50, -1)] == [0, 25, 100, 100, 0]
    assert axis.ticks() == (0, 5, 10, 15, 20, 25, 30, 35, 40)


def test_a_night_between_two_observations_takes_little_room() -> None:
    axis = TimeAxis.over([0, 50, 50 + 36_000, 100 + 36_000], poll_s=1)
    assert axis.pauses == ((50, 36_050),)
    assert (axis.x(50), axis.x(36_050), axis.x(36_100)) == (47.5, 52.5, 100)
    assert not any(50 < tick < 36_050 for tick in axis.ticks())
    assert axis.is_interrupted(40, 36_060)
    assert not axis.is_interrupted(36_050, 36_060)


def test_slow_polls_are_no_interruption() -> None:
    assert not TimeAxis.over([0, 120, 240, 360], poll_s=120).pauses


@pytest.mark.parametrize(
    ("top", "ticks"),
    [
        (1.0, (0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        (0.067, (0, 0.02, 0.04, 0.06, 0.08)),
        (83, (0, 20, 40, 60, 80, 100)),
    ],
)
def test_a_linear_scale_ends_at_a_round_number(top: float, ticks: tuple[float, ...]) -> None:
    scale = Linear(top)
    assert scale.ticks() == pytest.approx(ticks)
    assert (scale.y(0), scale.y(ticks[-1])) == pytest.approx((100, 0))


def test_a_logarithmic_scale_gives_each_factor_the_same_room() -> None:
    scale = Logarithmic(0.1, 1000)
    assert [scale.y(v) for v in (0.1, 1, 10, 1000)] == pytest.approx([100, 75, 50, 0])
    assert scale.ticks() == pytest.approx((0.1, 1, 10, 100, 1000))
    assert Logarithmic(0.008, 0.06).ticks() == pytest.approx((0.01, 0.02, 0.05))
    assert scale.y(0) > 100


def test_a_path_is_broken_where_nothing_is_known() -> None:
    assert path([(0, 0), (1, 2), None, (3, 4)]) == "M0.0 0.0L10.0 20.0M30.0 40.0"
