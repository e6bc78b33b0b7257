"""How long a step lasts: by what is declared, and by whether anybody is served meanwhile."""

import pytest

from deploytool.canary.policy import LEAST_IN_ALL_S, VerdictPolicy
from deploytool.canary.verdict import Decision
from deploytool.system.policy import CanaryPolicy
from tests.deploytool.canary.polls import HEALTHY, after, begun


def least_times(declared: CanaryPolicy, steps: int, *, has_visitors: bool = False) -> list[float]:
    policy = VerdictPolicy.of(declared, steps=steps, has_visitors=has_visitors)
    return [policy.least_at_s(left) for left in range(steps - 1, -1, -1)]


@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_visitors_are_served_for_ten_minutes_before_a_promotion(steps: int) -> None:
    times = least_times(CanaryPolicy(), steps, has_visitors=True)
    assert sum(times) == pytest.approx(LEAST_IN_ALL_S) == 600


def test_where_nobody_is_served_it_is_quick() -> None:
    assert least_times(CanaryPolicy(), 3) == [5, 5, 5]


def test_what_is_declared_holds_everywhere() -> None:
    assert least_times(CanaryPolicy(least_step_s=7), 3, has_visitors=True) == [7, 7, 7]


@pytest.mark.parametrize(
    ("steps", "times"),
    [(3, [60, 120, 600]), (2, [120, 600]), (1, [600]), (5, [60, 60, 60, 120, 600])],
)
def test_other_steps_than_declared_have_the_times_of_the_last_ones(
    steps: int, times: list[float]
) -> None:
    assert least_times(CanaryPolicy(least_step_s=(60, 120, 600)), steps) == times


def test_each_step_lasts_its_own_time() -> None:
    policy = VerdictPolicy.of(CanaryPolicy(least_step_s=(10, 40, 70))).model_copy(
        update={"warm_up_polls": 0}
    )
    evidence = begun((10, 20, 50), policy=policy)
    for step, least_s, passed in (
        (0, 10, Decision.ADVANCE),
        (1, 40, Decision.ADVANCE),
        (2, 70, Decision.PROMOTE),
    ):
        evidence = after(evidence.at_step(step), *[HEALTHY] * 50)
        assert evidence.judge(step, least_s).decision is passed
        early = evidence.judge(step, least_s - 0.1)
        assert early.decision is Decision.CONTINUE
        assert early.sentence.endswith(f"; the step takes at least {least_s} s")


def test_a_step_is_not_held_before_it_may_be_passed() -> None:
    policy = VerdictPolicy.of(CanaryPolicy(step_deadline_s=100), steps=1, has_visitors=True)
    evidence = begun((50,), policy=policy)
    assert evidence.judge(0, 599).decision is Decision.CONTINUE
    assert evidence.judge(0, 600).decision is Decision.HOLD
