"""The router's metrics as counters of both backends."""

import math
from itertools import pairwise

import pytest

from deploytool.canary.observation import ArmCounters
from deploytool.traffic.metrics import DURATION_BUCKETS_S, read_series, read_snapshot

HEAD = """\
# HELP traefik_service_requests_total How many HTTP requests processed on a service.
# TYPE traefik_service_requests_total counter
"""


def series(name: str, service: str, value: str, code: int = 200, **more: str) -> str:
    """Return a line as the router writes it."""
    labels = {"code": str(code), "method": "GET", "protocol": "http", "service": f"{service}@file"}
    text = ",".join(f'{key}="{label}"' for key, label in {**labels, **more}.items())
    return f"traefik_service_{name}{{{text}}} {value}\n"


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


def test_a_backend_without_requests_counts_zero() -> None:
    nothing = read_snapshot("", "web", 0)
    assert (nothing.stable, nothing.canary) == (ArmCounters(), ArmCounters())


def test_the_buckets_lie_a_square_root_of_two_apart_from_5_ms_to_10_s() -> None:
    assert DURATION_BUCKETS_S[0] == 0.005
    assert 10 < DURATION_BUCKETS_S[-1] < 10.5
    pairs = pairwise(DURATION_BUCKETS_S)
    assert all(math.isclose(b / a, math.sqrt(2), rel_tol=1e-3) for a, b in pairs)


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
