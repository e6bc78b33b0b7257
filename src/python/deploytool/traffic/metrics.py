"""Prometheus metrics: Traefik's as counters of both backends, a service's own by its series."""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from deploytool.canary.failure import CLIENT_GAVE_UP
from deploytool.canary.observation import ArmCounters, Buckets, Snapshot
from deploytool.system.counters import Counters
from deploytool.traffic.traefik_file import Arm, service_name

GATEWAY_METRICS = (
    "traefik_service_requests_total",
    "traefik_router_requests_total",
    "traefik_service_request_duration_seconds_bucket",
)
"""The names of all that read_gateway reads."""

_REQUESTS, _ROUTED, _BUCKETS = (f"{name}{{" for name in GATEWAY_METRICS)
UNSERVED = 503
_GAVE_UP = str(CLIENT_GAVE_UP)
_LABEL = re.compile(r'(\w+)="([^"]*)"')

# Upper bounds in seconds, 5 ms to 10.2 s in steps of the square root of 2: a quantile between two
# of them is known to within 41 %, fine enough for a latency ratio of 1.25 to show.
DURATION_BUCKETS_S = tuple(round(0.005 * math.sqrt(2) ** k, 6) for k in range(23))


def read_snapshot(text: str, component: str, taken_at: float) -> Snapshot:
    """Return both backends' counters from one scrape; zeros for one that had no request yet."""

    def read(arm: Arm) -> ArmCounters:
        mark = f'service="{service_name(component, arm)}@file"'
        return _read_arm(text, lambda line: mark in line)

    return Snapshot(taken_at=taken_at, stable=read("stable"), canary=read("canary"))


@dataclass(frozen=True, slots=True)
class GatewayScrape:
    """What one pod of a gateway has counted of a component.

    unserved: requests that it answered 503 itself, for want of a backend: no arm's counters have
    them.
    """

    arms: Mapping[Arm, ArmCounters]
    unserved: int


def read_gateway(
    text: str, namespace: str, services: Mapping[Arm, str], rules: int
) -> GatewayScrape:
    """Return what one scrape of Traefik as a Gateway API implementation says of a component.

    services: the name of each arm's Service. rules: of a route, how many of the first ones share
    the requests out; those after them lead who asked for a version by header.
    """
    routers: set[str] = set()

    def read(service: str) -> ArmCounters:
        mark = f"-svc-{namespace}-{service}-"
        wanted = re.compile(rf'"([^"]*-(\d+)-\w+){re.escape(mark)}\d+@kubernetesgateway"')

        def is_mine(line: str) -> bool:
            found = wanted.search(line) if mark in line else None
            if found is None or int(found[2]) >= rules:
                return False
            routers.add(found[1])
            return True

        return _read_arm(text, is_mine)

    arms = {arm: read(service) for arm, service in services.items()}
    counted = sum(arm.requests.get(UNSERVED, 0) for arm in arms.values())
    return GatewayScrape(arms, max(0, _answered_503(text, routers) - counted))


def _answered_503(text: str, routers: Collection[str]) -> int:
    """Return how many requests these routers answered 503, themselves or by a backend."""
    wanted = {f'router="{router}@kubernetesgateway"' for router in routers}
    return sum(
        _value(line)
        for line in text.splitlines()
        if line.startswith(_ROUTED) and f'code="{UNSERVED}"' in line
        if any(router in line for router in wanted)
    )


def _read_arm(text: str, is_mine: Callable[[str], bool]) -> ArmCounters:
    # Only a few of thousands of lines matter, so they are picked as text: a general parser takes
    # as long for one scrape as all else that a poll does.
    requests: defaultdict[int, int] = defaultdict(int)
    buckets: defaultdict[float, int] = defaultdict(int)
    gave_up: defaultdict[float, int] = defaultdict(int)
    for line in text.splitlines():
        if not is_mine(line):
            continue
        labels = dict(_LABEL.findall(line))
        if line.startswith(_REQUESTS):
            requests[int(labels["code"])] += _value(line)
        elif line.startswith(_BUCKETS):
            buckets[float(labels["le"])] += _value(line)
            if labels["code"] == _GAVE_UP:
                gave_up[float(labels["le"])] += _value(line)
    return ArmCounters(
        requests=dict(requests),
        buckets=tuple(sorted(buckets.items())),
        gave_up=tuple(sorted(gave_up.items())),
    )


def _value(line: str) -> int:
    return int(float(line.rpartition(" ")[2]))


def own_metrics(counters: Counters) -> tuple[str, ...]:
    """Return the names of all that read_own reads."""
    return counters.requests, f"{counters.durations}_bucket"


def read_own(text: str, counters: Counters) -> ArmCounters:
    """Return what a service's own process counted of the requests that it answered.

    One that had none yet shows its buckets all the same, if anything was asked of it. Raises
    ValueError, LookupError for a text that does not have what was declared.
    """
    requests: defaultdict[int, int] = defaultdict(int)
    buckets: defaultdict[float, int] = defaultdict(int)
    for family in text_string_to_metric_families(text):
        for name, labels, value, *_ in family.samples:
            is_left_out = any(
                labels.get(label) in values for label, values in counters.without.items()
            )
            counted = 0 if is_left_out else int(value)
            if name == counters.requests and counted:
                requests[int(labels[counters.status])] += counted
            elif name == f"{counters.durations}_bucket":
                buckets[float(labels["le"])] += counted
    return ArmCounters(requests=dict(requests), buckets=tuple(sorted(buckets.items())))


def with_common_buckets(scrapes: Mapping[str, GatewayScrape]) -> dict[str, GatewayScrape]:
    """Return the scrapes with those latency buckets alone that all of them have.

    A new version may have other buckets than the one it is judged against. Each bucket holds all
    that was no slower, so what is left is exact.
    """
    known = [
        {bound for bound, _ in arm.buckets}
        for scrape in scrapes.values()
        for arm in scrape.arms.values()
        if arm.buckets
    ]
    common = set.intersection(*known) if known else set()

    def kept(buckets: Buckets) -> Buckets:
        return tuple(each for each in buckets if each[0] in common)

    def trimmed(arm: ArmCounters) -> ArmCounters:
        buckets = {"buckets": kept(arm.buckets), "gave_up": kept(arm.gave_up)}
        return arm.model_copy(update=buckets)

    return {
        pod: GatewayScrape({a: trimmed(c) for a, c in scrape.arms.items()}, scrape.unserved)
        for pod, scrape in scrapes.items()
    }


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
