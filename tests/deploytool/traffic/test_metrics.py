"""The router's metrics as counters of both backends."""

import math
from itertools import pairwise

import pytest

from deploytool.canary.observation import ArmCounters
from deploytool.system.counters import Counters
from deploytool.traffic.metrics import (
    DURATION_BUCKETS_S,
    GatewayScrape,
    read_gateway,
    read_own,
    read_series,
    read_snapshot,
    with_common_buckets,
)
from deploytool.traffic.traefik_file import Arm

HEAD = """\
# HELP traefik_service_requests_total How many HTTP requests processed on a service.
# TYPE traefik_service_requests_total counter
"""


def line(name: str, service: str, value: str, code: int = 200, **more: str) -> str:
    """Return a line as the router writes it. service: with the provider that knows it."""
    labels = {"code": str(code), "method": "GET", "protocol": "http", "service": service}
    text = ",".join(f'{key}="{label}"' for key, label in {**labels, **more}.items())
    return f"traefik_service_{name}{{{text}}} {value}\n"


def series(name: str, service: str, value: str, code: int = 200, **more: str) -> str:
    """Return a line about a service of a file."""
    return line(name, f"{service}@file", value, code, **more)


BUCKET = "request_duration_seconds_bucket"
SCRAPE = (
    HEAD
    + series("requests_total", "web-stable", "90")
    + series("requests_total", "web-stable", "5", method="POST")
    + series("requests_total", "web-stable", "2", code=503)
    + series("requests_total", "web-canary", "1.2e+03")
    + series("requests_total", "other-web-canary", "7")
    + series(BUCKET, "web-canary", "1000", le="0.005")
    + series(BUCKET, "web-canary", "1200", le="+Inf")
    + series(BUCKET, "web-canary", "1", code=500, le="0.005")
    + series(BUCKET, "web-canary", "3", code=500, le="+Inf")
    + series("request_duration_seconds_sum", "web-canary", "3.2")
)


def test_requests_are_added_up_by_status_code() -> None:
    snapshot = read_snapshot(SCRAPE, "web", taken_at=5.0)
    assert snapshot.taken_at == 5.0
    assert snapshot.stable.requests == {200: 95, 503: 2}
    assert snapshot.canary.requests == {200: 1200}


def test_durations_are_added_up_over_codes_and_methods() -> None:
    assert read_snapshot(SCRAPE, "web", 0).canary.buckets == ((0.005, 1001), (math.inf, 1203))


GIVEN_UP: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("requests_total", "4", {}),
    (BUCKET, "1", {"le": "0.005"}),
    (BUCKET, "4", {"le": "+Inf"}),
)


def test_how_long_clients_waited_that_gave_up_is_counted_apart_and_with_all() -> None:
    given_up = "".join(series(name, "web-canary", n, 499, **le) for name, n, le in GIVEN_UP)
    canary = read_snapshot(SCRAPE + given_up, "web", 0).canary
    assert canary.gave_up == ((0.005, 1), (math.inf, 4))
    assert canary.buckets == ((0.005, 1002), (math.inf, 1207))
    assert (canary.gave_up_late(0.005), canary.gave_up_soon(0.005)) == (3, 1)
    assert read_snapshot(SCRAPE, "web", 0).canary.gave_up == ()


def test_a_backend_without_requests_counts_zero() -> None:
    nothing = read_snapshot("", "web", 0)
    assert (nothing.stable, nothing.canary) == (ArmCounters(), ArmCounters())


def test_the_buckets_lie_a_square_root_of_two_apart_from_5_ms_to_10_s() -> None:
    assert DURATION_BUCKETS_S[0] == 0.005
    assert 10 < DURATION_BUCKETS_S[-1] < 10.5
    pairs = pairwise(DURATION_BUCKETS_S)
    assert all(math.isclose(b / a, math.sqrt(2), rel_tol=1e-3) for a, b in pairs)


def routed(
    service: str, rule: int = 0, *, namespace: str = "shop", route: str = "web", index: int = 0
) -> str:
    """Return how the router calls a Service behind a rule of an HTTPRoute."""
    router = f"httproute-{namespace}-{route}-gw-{namespace}-gateway-ep-web-{rule}"
    hash_ = f"{rule}123456789abcdef"
    return f"{router}-{hash_}-svc-{namespace}-{service}-{index}@kubernetesgateway"


ARMS: dict[Arm, str] = {"stable": "web", "canary": "web-canary"}


def counted(text: str, rules: int = 1) -> tuple[dict[int, int], dict[int, int]]:
    """Return the requests of stable and canary that a scrape of the gateway tells."""
    arms = read_gateway(text, "shop", ARMS, rules).arms
    return arms["stable"].requests, arms["canary"].requests


def test_requests_through_a_route_are_added_up_by_arm_and_status_code() -> None:
    text = (
        HEAD
        + line("requests_total", routed("web"), "90")
        + line("requests_total", routed("web"), "5", method="POST")
        + line("requests_total", routed("web"), "2", code=503)
        + line("requests_total", routed("web-canary", index=1), "1.2e+03")
        + line(BUCKET, routed("web-canary", index=1), "1000", le="0.005")
        + line(BUCKET, routed("web-canary", index=1), "1200", le="+Inf")
        + line(BUCKET, routed("web-canary", index=1), "3", code=500, le="0.005")
        + line(BUCKET, routed("web-canary", index=1), "3", code=500, le="+Inf")
    )
    assert counted(text) == ({200: 95, 503: 2}, {200: 1200})
    arms = read_gateway(text, "shop", ARMS, 1).arms
    assert arms["canary"].buckets == ((0.005, 1003), (math.inf, 1203))
    assert arms["stable"].buckets == ()


def test_clients_that_gave_up_on_a_route_are_counted_apart() -> None:
    text = "".join(line(name, routed("web-canary"), n, 499, **le) for name, n, le in GIVEN_UP)
    assert read_gateway(text, "shop", ARMS, 1).arms["canary"].gave_up == ((0.005, 1), (math.inf, 4))


@pytest.mark.parametrize(
    "service",
    [
        routed("web-canary-2"),
        routed("web-2"),
        routed("new-web"),
        routed("web", namespace="shop-2"),
        routed("web", namespace="my-shop"),
        routed("cart"),
        "web-stable@file",
        "prometheus@internal",
    ],
)
def test_services_that_are_only_named_alike_are_none_of_the_arms(service: str) -> None:
    assert counted(line("requests_total", service, "7")) == ({}, {})


def test_stable_and_canary_are_told_apart_though_one_name_begins_with_the_other() -> None:
    assert counted(line("requests_total", routed("web"), "7")) == ({200: 7}, {})
    assert counted(line("requests_total", routed("web-canary"), "7")) == ({}, {200: 7})


@pytest.mark.parametrize("route", ["web", "web-2", "web-0-1", "svc-shop-web-0"])
def test_the_route_may_have_any_name(route: str) -> None:
    text = line("requests_total", routed("web", 1, route=route), "7")
    assert counted(text, rules=2) == ({200: 7}, {})
    assert counted(text, rules=1) == ({}, {})


def test_who_asked_for_a_version_by_header_is_not_counted() -> None:
    text = "".join(
        line("requests_total", routed("web-canary", rule), str(10**rule)) for rule in range(12)
    )
    assert counted(text, rules=2)[1] == {200: 11}
    assert counted(text, rules=11)[1] == {200: 11_111_111_111}


def test_an_arm_of_a_route_without_requests_counts_zero() -> None:
    assert read_gateway(HEAD, "shop", ARMS, 1).arms == dict.fromkeys(ARMS, ArmCounters())


def test_what_the_gateway_answered_itself_is_told_apart() -> None:
    router = routed("web").partition("-svc-")[0]
    by_router = (
        'traefik_router_requests_total{{code="{}",method="GET",router="{}@kubernetesgateway"}} {}\n'
    )
    text = (
        HEAD
        + line("requests_total", routed("web"), "90")
        + line("requests_total", routed("web"), "2", code=503)
        + line("requests_total", routed("web-canary", index=1), "1", code=503)
        + by_router.format(200, router, 90)
        + by_router.format(503, router, 10)
        + by_router.format(503, routed("web", route="cart").partition("-svc-")[0], 40)
    )
    assert read_gateway(text, "shop", ARMS, 1).unserved == 10 - 2 - 1


OWN = """\
# TYPE sales counter
sales_total{state="confirmed",shop="a"} 3.0
sales_total{state="confirmed",shop="b"} 4.0
sales_total{state="made",shop="a"} 9.0
"""


@pytest.mark.parametrize(
    ("series", "count"),
    [
        ('sales_total{state="confirmed"}', 7),
        ('sales_total{shop="a", state="confirmed"}', 3),
        ("sales_total", 16),
        ('sales_total{state="lost"}', 0),
        ("sales", 0),
    ],
)
def test_a_service_s_own_counters_are_summed_over_the_labels_left_open(
    series: str, count: int
) -> None:
    assert read_series(OWN, series) == count


def test_a_text_that_is_none_of_prometheus_is_refused() -> None:
    with pytest.raises(ValueError, match="html"):
        read_series("<html>no metrics here</html>", "sales_total")


COUNTERS = Counters(
    requests="http_requests_total",
    status="status",
    durations="http_request_duration_seconds",
    without={"route": ("/livez",)},
)
ANSWERED = """\
# TYPE http_requests counter
http_requests_total{route="/stock",status="200"} 7.0
http_requests_total{route="/orders",status="200"} 2.0
http_requests_total{route="/orders",status="500"} 1.0
http_requests_total{route="/livez",status="200"} 40.0
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="0.1",route="/stock"} 6.0
http_request_duration_seconds_bucket{le="+Inf",route="/stock"} 7.0
http_request_duration_seconds_bucket{le="0.1",route="/orders"} 1.0
http_request_duration_seconds_bucket{le="+Inf",route="/orders"} 3.0
http_request_duration_seconds_bucket{le="0.1",route="/livez"} 40.0
http_request_duration_seconds_bucket{le="+Inf",route="/livez"} 40.0
http_request_duration_seconds_count{route="/livez"} 40.0
"""


def test_a_services_own_requests_are_added_up_without_the_platforms() -> None:
    assert read_own(ANSWERED, COUNTERS) == ArmCounters(
        requests={200: 9, 500: 1}, buckets=((0.1, 7), (math.inf, 10))
    )


def test_a_service_that_only_the_platform_has_asked_shows_its_buckets() -> None:
    probed = "".join(each + "\n" for each in ANSWERED.splitlines() if "/livez" in each)
    found = read_own(probed, COUNTERS)
    assert (found.answered, found.buckets) == (0, ((0.1, 0), (math.inf, 0)))


def test_a_service_that_counts_otherwise_than_declared_is_no_silent_zero() -> None:
    with pytest.raises(LookupError):
        read_own(ANSWERED.replace("status=", "code="), COUNTERS)


def test_versions_with_other_latency_buckets_are_compared_at_those_they_share() -> None:
    stable = ArmCounters(requests={200: 9}, buckets=((0.1, 5), (0.5, 8), (math.inf, 9)))
    canary = ArmCounters(requests={200: 4}, buckets=((0.2, 1), (0.5, 3), (math.inf, 4)))
    arms: list[dict[Arm, ArmCounters]] = [{"stable": stable}, {"canary": canary}]
    scrapes = {str(n): GatewayScrape(arm, 0) for n, arm in enumerate(arms)}
    found = with_common_buckets(scrapes)
    assert found["0"].arms["stable"].buckets == ((0.5, 8), (math.inf, 9))
    assert found["1"].arms["canary"].buckets == ((0.5, 3), (math.inf, 4))
    assert found["1"].arms["canary"].requests == {200: 4}
