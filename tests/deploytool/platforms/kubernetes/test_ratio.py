"""A canary's share by its number of pods: how many, and whom the Service leads to."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploytool.platforms.base import Role
from deploytool.platforms.kubernetes.objects import COMPONENT, ROLE, Object
from deploytool.platforms.kubernetes.ratio import (
    canary_pods,
    led_to,
    noted_percent,
    percent_of,
    with_share,
    without_given,
)

ALL = {COMPONENT: "web", "tier": "front"}
STABLE, CANARY = {**ALL, ROLE: "stable"}, {**ALL, ROLE: "canary"}


def service(percent: int | None = None) -> Object:
    """Return the Service as the cluster has it with that share."""
    found: Object = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "labels": {COMPONENT: "web"}, "annotations": {"a": "b"}},
        "spec": {
            "clusterIP": "10.0.0.7",
            "clusterIPs": ["10.0.0.7"],
            "selector": STABLE,
            "ports": [{"port": 80, "targetPort": "http"}],
        },
    }
    return with_share(found, percent)


def counts(stable: int, canary: int) -> dict[Role, int]:
    return {Role.STABLE: stable, Role.CANARY: canary}


@given(st.integers(0, 200), st.integers(1, 99))
def test_no_other_number_of_pods_comes_nearer_to_the_share(stable: int, percent: int) -> None:
    chosen, wanted = canary_pods(stable, percent), Fraction(percent, 100)

    def distance(pods: int) -> Fraction:
        return abs(Fraction(pods, pods + stable) - wanted)

    assert chosen >= 1
    assert all(distance(chosen) <= distance(pods) for pods in (chosen - 1, chosen + 1) if pods)


@given(st.integers(0, 200), st.integers(1, 99), st.integers(1, 99))
def test_a_greater_share_never_takes_fewer_pods(stable: int, one: int, other: int) -> None:
    less, more = sorted((one, other))
    assert canary_pods(stable, less) <= canary_pods(stable, more)


@pytest.mark.parametrize(
    ("stable", "percent", "canary"),
    [(9, 10, 1), (9, 25, 3), (9, 50, 9), (9, 1, 1), (2, 10, 1), (9, 100, 9), (0, 100, 1)],
)
def test_the_pods_of_a_share(stable: int, percent: int, canary: int) -> None:
    assert canary_pods(stable, percent) == canary


@pytest.mark.parametrize(
    ("percent", "selected"),
    [(None, STABLE), (0, STABLE), (1, ALL), (50, ALL), (99, ALL), (100, CANARY)],
)
def test_the_service_leads_to_stable_to_both_or_to_the_canary(
    percent: int | None, selected: dict[str, str]
) -> None:
    found = service(percent)
    assert found["spec"]["selector"] == selected
    assert found["spec"]["ports"] == [{"port": 80, "targetPort": "http"}]
    assert found["metadata"]["annotations"]["a"] == "b"
    assert noted_percent(found) == percent


def test_the_address_of_a_service_is_left_to_the_cluster() -> None:
    assert without_given(service(10))["spec"].keys() == {"selector", "ports"}


@given(st.integers(0, 100), st.integers(0, 100))
def test_a_share_is_undone_whatever_was_before(before: int, percent: int) -> None:
    assert with_share(service(before), percent) == service(percent)
    assert with_share(service(before), None) == service(None)


@given(st.integers(0, 100), st.integers(1, 30))
def test_the_share_in_force_is_the_one_wished_for_while_the_pods_fit_it(
    percent: int, stable: int
) -> None:
    there = counts(stable, canary_pods(stable, percent) if percent else 1)
    assert percent_of(service(percent), there, counts(1, 1)) == percent


def test_where_the_pods_do_not_fit_the_share_is_that_of_those_that_are_ready() -> None:
    assert percent_of(service(10), counts(18, 1), counts(18, 1)) == 5
    assert percent_of(service(50), counts(2, 1), counts(0, 0)) == 0


@pytest.mark.parametrize(("selected", "percent"), [(STABLE, 0), (CANARY, 100)])
def test_a_service_that_somebody_changed_leads_where_it_says(
    selected: dict[str, str], percent: int
) -> None:
    changed = service(50)
    changed = {**changed, "spec": {**changed["spec"], "selector": selected}}
    assert percent_of(changed, counts(2, 2), counts(2, 2)) == percent


def test_a_service_leads_to_the_pods_that_bear_all_it_selects_by() -> None:
    pods: list[Object] = [
        {"metadata": {"name": "s", "labels": {**STABLE, "hash": "1"}}},
        {"metadata": {"name": "c", "labels": CANARY}},
        {"metadata": {"name": "other", "labels": {COMPONENT: "other", ROLE: "stable"}}},
    ]
    assert led_to(service(0), pods) == {"s"}
    assert led_to(service(10), pods) == {"s", "c"}
    assert led_to(service(100), pods) == {"c"}
