"""Whose requests a canary is judged by: those of visitors, where there are any."""

from types import SimpleNamespace
from typing import cast

import pytest

from deploytool.operations.context import Context
from deploytool.operations.load import Traffic, TrafficResult, traffic
from deploytool.platforms.base import Platform
from deploytool.system.declaration import System
from deploytool.traffic.load.counts import LoadCounts

SYSTEM = System.model_validate(
    {
        "system": "example",
        "components": {
            "db": {"kind": "postgresql", "database": "d", "migrations": "m", "roles": ["r"]},
            "edge": {"kind": "gateway"},
        },
        "load": {
            "rate": 80,
            "journeys": [{"name": "look", "share": 1, "steps": [{"request": "GET /"}]}],
        },
    }
)


class Begun(Exception):
    """Traffic begins."""


def gateway_url() -> str:
    raise Begun


def context(*, has_visitors: bool) -> Context:
    return Context(
        system=SYSTEM,
        platform=cast("Platform", SimpleNamespace(gateway_url=gateway_url)),
        target="memory",
        run="r",
        command="canary",
        artifacts={},
        emit=lambda _: None,
        has_visitors=has_visitors,
    )


@pytest.mark.parametrize(
    ("has_visitors", "wanted"), [(True, Traffic()), (False, Traffic(is_wanted=False))]
)
def test_no_traffic_is_made_beside_visitors_or_when_told_not_to(
    has_visitors: bool, wanted: Traffic
) -> None:
    with traffic(context(has_visitors=has_visitors), wanted, {}) as sent:
        pass
    assert sent.result is None


@pytest.mark.parametrize(("has_visitors", "wanted"), [(False, Traffic()), (True, Traffic(rate=5))])
def test_traffic_is_made_where_there_is_none_and_when_it_is_asked_for(
    has_visitors: bool, wanted: Traffic
) -> None:
    with (
        pytest.raises(Begun),
        traffic(context(has_visitors=has_visitors), wanted, {}),
    ):
        pass


def test_what_could_not_be_asked_for_is_told_and_no_failure() -> None:
    met = TrafficResult(LoadCounts(), unknown=("/orders/1: no answer", "/orders/2: no answer"))
    assert met.failure is None
    assert met.not_asked == "could not be asked within 30 s: 2 (for example /orders/1: no answer)"
    assert TrafficResult(LoadCounts()).not_asked == ""


def test_what_is_lost_is_a_failure() -> None:
    met = TrafficResult(LoadCounts(), lost=("/orders/1 answers 404",), unknown=("/orders/2",))
    assert met.failure is not None
    assert met.failure.what == "1 acknowledged things are not there"
    assert met.failure.why == "/orders/1 answers 404"
