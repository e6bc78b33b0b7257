"""The router's files: what they say, and that they are read back as what they were."""

from dataclasses import replace
from typing import Any

import pytest
import yaml

from deploytool.canary.weights import router_weights
from deploytool.traffic.traefik_file import Route, parse_route, render_route

STABLE, CANARY = "http://127.0.0.1:20001", "http://127.0.0.1:20002"


def both(percent: int) -> Route:
    return Route("web", "/app", {"stable": STABLE, "canary": CANARY}, percent)


def chosen(percent: int) -> Route:
    return replace(both(percent), header="X-Choice", cookie="seen-1f", answer_within_s=2.5)


def rendered(route: Route) -> dict[str, Any]:
    http: dict[str, Any] = yaml.safe_load(render_route(route))["http"]
    return http


@pytest.mark.parametrize("percent", [0, 1, 10, 41, 42, 50, 99, 100])
def test_a_route_is_read_back_as_it_was(percent: int) -> None:
    for route in (both(percent), chosen(percent)):
        assert parse_route("web", render_route(route)) == route


def test_the_share_becomes_the_weights_of_the_pool() -> None:
    stable, canary = router_weights(10)
    services = rendered(both(10))["services"]
    assert services["web"]["weighted"]["services"] == [
        {"name": "web-stable", "weight": stable},
        {"name": "web-canary", "weight": canary},
    ]
    assert services["web-canary"]["loadBalancer"]["servers"] == [{"url": CANARY}]


@pytest.mark.parametrize(("percent", "ratio"), [(25, 1 / 3), (50, 1), (75, 3), (100, 1)])
def test_one_process_against_one_carries_the_load_that_its_share_says(
    percent: int, ratio: float
) -> None:
    assert both(percent).load_ratio == pytest.approx(ratio)


@pytest.mark.parametrize(
    ("prefix", "rule"),
    [
        ("/app", "Path(`/app`) || PathPrefix(`/app/`)"),
        ("/app/", "Path(`/app`) || PathPrefix(`/app/`)"),
        ("/", "PathPrefix(`/`)"),
    ],
)
def test_a_prefix_is_matched_as_whole_path_segments(prefix: str, rule: str) -> None:
    http = rendered(Route("web", prefix, {"stable": STABLE}))
    assert http["routers"]["web"]["rule"] == rule


@pytest.mark.parametrize(
    ("arm", "word", "address"), [("stable", "never", STABLE), ("canary", "always", CANARY)]
)
def test_the_header_leads_to_a_service_that_is_counted_apart(
    arm: str, word: str, address: str
) -> None:
    http = rendered(chosen(10))
    name = f"web-{arm}-pinned"
    assert http["routers"][name]["service"] == name
    assert http["routers"][name]["rule"] == (
        f"(Path(`/app`) || PathPrefix(`/app/`)) && Header(`X-Choice`, `{word}`)"
    )
    assert http["services"][name] == http["services"][f"web-{arm}"]
    assert http["services"][name]["loadBalancer"]["servers"] == [{"url": address}]


def test_a_longer_path_comes_first_and_of_one_path_the_requests_with_the_header() -> None:
    def priorities(prefix: str) -> list[int]:
        routers = rendered(replace(chosen(10), prefix=prefix))["routers"]
        return sorted({router["priority"] for router in routers.values()})

    root, short, long = priorities("/"), priorities("/a"), priorities("/a/b")
    assert 0 < root[0] < root[1] < short[0] < short[1] < long[0] < long[1]
    assert rendered(chosen(10))["routers"]["web"]["priority"] == priorities("/app")[0]


@pytest.mark.parametrize(("prefix", "path"), [("/app", "/app"), ("/app/", "/app"), ("/", "/")])
def test_the_cookie_is_for_the_path_of_the_route_and_not_for_scripts(
    prefix: str, path: str
) -> None:
    weighted = rendered(replace(chosen(10), prefix=prefix))["services"]["web"]["weighted"]
    assert weighted["services"] == rendered(both(10))["services"]["web"]["weighted"]["services"]
    assert weighted["sticky"]["cookie"] == {
        "name": "seen-1f",
        "httpOnly": True,
        "sameSite": "lax",
        "path": path,
        "maxAge": 86_400,
    }


@pytest.mark.parametrize("percent", [0, 100])
def test_header_and_cookie_choose_nothing_while_one_backend_gets_everything(percent: int) -> None:
    same = replace(both(percent), answer_within_s=2.5)
    assert rendered(chosen(percent)) == rendered(same)
    assert rendered(chosen(10).without("stable")) == rendered(same.without("stable"))


def test_the_share_is_what_the_weights_give_unless_visitors_stay_or_one_has_all() -> None:
    assert both(10).share == 1031 / 10080
    assert both(0).share is both(100).share is None
    assert replace(both(10), cookie="seen-1f").share is None


def test_the_cookie_ends_with_its_canary_and_the_header_stays() -> None:
    left = chosen(10).without("canary")
    assert (left.header, left.cookie) == ("X-Choice", None)


def test_every_backend_has_the_same_time_to_answer_under_a_name_that_tells_it() -> None:
    http = rendered(chosen(10))
    assert http["serversTransports"]["web-2.5s"]["forwardingTimeouts"] == {
        "dialTimeout": "2s",
        "responseHeaderTimeout": "2.5s",
        "idleConnTimeout": "30s",
    }
    balancers = [each["loadBalancer"] for name, each in http["services"].items() if name != "web"]
    assert [each["serversTransport"] for each in balancers] == ["web-2.5s"] * 4


def test_a_file_of_before_there_were_headers_cookies_and_limits_is_understood() -> None:
    text = render_route(both(10))
    assert text.startswith("# canary percent: 10\nhttp:")
    assert parse_route("web", text) == both(10)


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
