"""The router's files: what they say, and that they are read back as what they were."""

import pytest
import yaml

from deploytool.canary.weights import router_weights
from deploytool.traffic.traefik_file import Route, parse_route, render_route

STABLE, CANARY = "http://127.0.0.1:20001", "http://127.0.0.1:20002"


def both(percent: int) -> Route:
    return Route("web", "/app", {"stable": STABLE, "canary": CANARY}, percent)


@pytest.mark.parametrize("percent", [0, 1, 10, 41, 42, 50, 99, 100])
def test_a_route_is_read_back_as_it_was(percent: int) -> None:
    assert parse_route("web", render_route(both(percent))) == both(percent)


def test_the_share_becomes_the_weights_of_the_pool() -> None:
    stable, canary = router_weights(10)
    services = yaml.safe_load(render_route(both(10)))["http"]["services"]
    assert services["web"]["weighted"]["services"] == [
        {"name": "web-stable", "weight": stable},
        {"name": "web-canary", "weight": canary},
    ]
    assert services["web-canary"]["loadBalancer"]["servers"] == [{"url": CANARY}]


@pytest.mark.parametrize(
    ("prefix", "rule"),
    [
        ("/app", "Path(`/app`) || PathPrefix(`/app/`)"),
        ("/app/", "Path(`/app`) || PathPrefix(`/app/`)"),
        ("/", "PathPrefix(`/`)"),
    ],
)
def test_a_prefix_is_matched_as_whole_path_segments(prefix: str, rule: str) -> None:
    text = render_route(Route("web", prefix, {"stable": STABLE}))
    assert yaml.safe_load(text)["http"]["routers"]["web"]["rule"] == rule


def test_a_backend_that_is_alone_serves_everything() -> None:
    assert both(10).without("canary") == Route("web", "/app", {"stable": STABLE}, 0)
    assert both(10).without("canary").weights == {"web-stable": 1}
    assert both(10).without("stable") == Route("web", "/app", {"canary": CANARY}, 100)


def test_the_order_in_which_backends_came_makes_no_difference() -> None:
    late = Route("web", "/app", {"canary": CANARY}, 10).with_address("stable", STABLE)
    assert render_route(late) == render_route(both(10))


def test_a_route_without_backends_routes_nothing() -> None:
    nothing = both(0).without("canary").without("stable")
    assert parse_route("web", render_route(nothing)) is None
