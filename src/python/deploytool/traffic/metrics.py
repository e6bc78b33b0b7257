"""Prometheus metrics: Traefik's as counters of both backends, a service's own by its series."""

import math
import re
from collections import defaultdict

from prometheus_client.parser import text_string_to_metric_families

from deploytool.canary.observation import ArmCounters, Snapshot
from deploytool.traffic.traefik_file import Arm, service_name

_REQUESTS = "traefik_service_requests_total{"
_BUCKETS = "traefik_service_request_duration_seconds_bucket{"
_LABEL = re.compile(r'(\w+)="([^"]*)"')

# Upper bounds in seconds, 5 ms to 10.2 s in steps of the square root of 2: a quantile between two
# of them is known to within 41 %, fine enough for a latency ratio of 1.25 to show.
DURATION_BUCKETS_S = tuple(round(0.005 * math.sqrt(2) ** k, 6) for k in range(23))


def read_snapshot(text: str, component: str, taken_at: float) -> Snapshot:
    """Return both backends' counters from one scrape; zeros for one that had no request yet."""
    return Snapshot(
        taken_at=taken_at,
        stable=_read_arm(text, component, "stable"),
        canary=_read_arm(text, component, "canary"),
    )


def _read_arm(text: str, component: str, arm: Arm) -> ArmCounters:
    # Only a few of thousands of lines matter, so they are picked as text: a general parser takes
    # as long for one scrape as all else that a poll does.
    mark = f'service="{service_name(component, arm)}@file"'
    requests: defaultdict[int, int] = defaultdict(int)
    buckets: defaultdict[float, int] = defaultdict(int)
    for line in text.splitlines():
        if mark not in line:
            continue
        labels = dict(_LABEL.findall(line))
        if line.startswith(_REQUESTS):
            requests[int(labels["code"])] += _value(line)
        elif line.startswith(_BUCKETS):
            buckets[float(labels["le"])] += _value(line)
    return ArmCounters(requests=dict(requests), buckets=tuple(sorted(buckets.items())))


def _value(line: str) -> int:
    return int(float(line.rpartition(" ")[2]))


def read_series(text: str, series: str) -> int:
    """Return the sum of the counters that have the name and the labels of `series`.

    series: as in the declaration, for example reservations_total{state="confirmed"}; a counter
    that was never raised may be missing and counts 0. Raises ValueError for a text that is no
    Prometheus text.
    """
    name, _, labels = series.partition("{")
    wanted = dict(_LABEL.findall(labels))
    return sum(
        int(sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and wanted.items() <= sample.labels.items()
    )
