"""Counters by way of a real Prometheus, which reads small exporters that count as Traefik does."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import ThreadingHTTPServer
from typing import Any, TypeVar

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, MetricsHandler

from deploytool.canary.difference import difference
from deploytool.canary.observation import ArmCounters, Observation, Snapshot
from deploytool.errors import PlatformFailed
from deploytool.platforms.kubernetes.objects import Object
from deploytool.platforms.kubernetes.prometheus import ByPrometheus
from deploytool.platforms.kubernetes.scraping import Counted, Wanted
from deploytool.system.counters import Counters
from deploytool.system.targets import PrometheusServer
from deploytool.traffic.gateway_counters import GatewayCounters
from deploytool.traffic.metrics import GATEWAY_METRICS, own_metrics, read_gateway, read_own
from deploytool.traffic.prometheus import PrometheusApi
from deploytool.traffic.traefik_file import Arm
from tests.prometheus import HOST, free_port, prometheus

SERVICES: Mapping[Arm, str] = {"stable": "web", "canary": "web-canary"}
WANTED = Wanted(9100, "/metrics", GATEWAY_METRICS)
T = TypeVar("T")
NAMED = ("code", "method", "protocol", "service")


class Exporter:
    """The counters of one pod, told over HTTP. A process of it knows when it was started."""

    def __init__(self) -> None:
        self.port = free_port()
        self._started_at = time.time()
        self._is_running = False
        self.start()

    def start(self) -> None:
        """Start another process, which counts from zero."""
        registry = CollectorRegistry()
        self.requests = Counter("traefik_service_requests", "-", NAMED, registry=registry)
        self.routed = Counter("traefik_router_requests", "-", (*NAMED, "router"), registry=registry)
        self.durations = Histogram(
            "traefik_service_request_duration_seconds", "-", NAMED, buckets=(0.005, 0.5),
            registry=registry,
        )  # fmt: skip
        self._started_at += 10
        Gauge("process_start_time_seconds", "-", registry=registry).set(self._started_at)
        self.serve(registry)

    def serve(self, registry: CollectorRegistry) -> None:
        """Tell these counters, and no others any more."""
        self.stop()
        handler = MetricsHandler.factory(registry)
        self._server = ThreadingHTTPServer((HOST, self.port), handler)
        # A stop waits until it has looked whether it is to: it is soon.
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self._is_running = True

    def stop(self) -> None:
        if not self._is_running:
            return
        self._is_running = False
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, arm: Arm, count: int, code: int = 200) -> None:
        route = f"httproute-shop-web-gw-shop-edge-ep-web-0-{'0a' * 5}"
        service = f"{route}-svc-shop-{SERVICES[arm]}-80@kubernetesgateway"
        self._count(count, code, route, service)

    def refuse(self, count: int) -> None:
        """Answer 503 itself, for want of a backend: no service counts that."""
        router = f"httproute-shop-web-gw-shop-edge-ep-web-0-{'0a' * 5}@kubernetesgateway"
        self.routed.labels("503", "GET", "http", "wrr", router).inc(count)

    def _count(self, count: int, code: int, route: str, service: str) -> None:
        labels = (str(code), "GET", "http", service)
        self.requests.labels(*labels).inc(count)
        self.routed.labels(*labels, f"{route}@kubernetesgateway").inc(count)
        for _ in range(count):
            self.durations.labels(*labels).observe(0.1)


class Pods:
    """The pods that Prometheus reads, each for one test, and their exporters."""

    def __init__(self, url: str, exporters: Mapping[str, Exporter]) -> None:
        self.url = url
        self._exporters = exporters

    def __getitem__(self, name: str) -> Exporter:
        return self._exporters[name]

    def source(self, **fields: Any) -> ByPrometheus:
        settings = {"url": self.url, "selector": 'namespace="shop"', "stale_after_s": 10, **fields}
        return ByPrometheus(PrometheusServer.model_validate(settings))


# Told to Prometheus before it starts: what it learns later it takes up after five seconds.
NAMES = (
    "again-1", "blame-1", "deaf-1", "gone-1", "idle-1", "known-1", "lag-1", "named-1", "new-1",
    "new-2", "own-1", "same-1", "selected-1", "twice-1",
)  # fmt: skip
MORE_LABELS = {"named-1": {"service": "gateway"}, "twice-1": {"job": "other"}}


@pytest.fixture(scope="module")
def pods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pods]:
    exporters = {name: Exporter() for name in NAMES}
    targets = [target(exporters[name], name, **MORE_LABELS.get(name, {})) for name in NAMES]
    job = {
        "job_name": "pods",
        "static_configs": [*targets, target(exporters["twice-1"], "twice-1")],
    }
    for late in ("deaf-1", "new-2"):
        exporters[late].stop()
    with prometheus(tmp_path_factory.mktemp("prometheus"), [job], interval_s=1) as url:
        yield Pods(url, exporters)
    for exporter in exporters.values():
        exporter.stop()


def target(exporter: Exporter, pod: str, **labels: str) -> dict[str, Any]:
    return {
        "targets": [f"{HOST}:{exporter.port}"],
        "labels": {"namespace": "shop", "pod": pod, **labels},
    }


def pod(name: str) -> Object:
    return {"metadata": {"name": name, "uid": name}, "status": {}}


def read(source: ByPrometheus, *names: str, is_needed: bool = True) -> Counted:
    return source.read([pod(name) for name in names], WANTED, lambda _: is_needed)


def once_read(source: ByPrometheus, *names: str) -> Counted:
    """Read pods that have just been added, as soon as Prometheus has come to them."""
    return once(lambda: attempt(source, *names))


def attempt(source: ByPrometheus, *names: str) -> Counted | None:
    try:
        return read(source, *names)
    except PlatformFailed:
        return None


def once(ask: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + 20
    while (found := ask()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def later(source: ByPrometheus, before: Counted, *names: str) -> Counted:
    """Read again once every pod was read by Prometheus since."""

    def newer() -> Counted | None:
        found = attempt(source, *names)
        is_newer = found is not None and found.taken.oldest > before.taken.looked
        return found if is_newer else None

    return once(newer)


def snapshot(counters: GatewayCounters, found: Counted, *empty: Arm) -> Snapshot:
    scrapes = {each.process: read_gateway(each.text, "shop", SERVICES, 1) for each in found.told}
    return counters.snapshot(scrapes, empty, found.taken)


def failed(read: Callable[[], object]) -> PlatformFailed:
    with pytest.raises(PlatformFailed) as raised:
        read()
    return raised.value


def test_what_pods_counted_is_read_as_they_tell_it(pods: Pods) -> None:
    exporter = pods["same-1"]
    exporter.answer("stable", 90)
    exporter.answer("canary", 8)
    exporter.answer("canary", 2, code=503)
    exporter.refuse(5)
    source = pods.source()
    found = later(source, once_read(source, "same-1"), "same-1")
    [told] = found.told
    scrape = read_gateway(told.text, "shop", SERVICES, 1)
    assert scrape.arms["stable"].requests == {200: 90}
    assert scrape.arms["canary"].requests == {200: 8, 503: 2}
    assert [count for _, count in scrape.arms["canary"].buckets] == [0, 10, 10]
    assert scrape.unserved == 5


def test_a_services_own_counters_are_read_as_well(pods: Pods) -> None:
    registry = CollectorRegistry()
    requests = Counter("web_requests", "-", ("status", "route"), registry=registry)
    durations = Histogram("web_seconds", "-", ("route",), buckets=(1,), registry=registry)
    requests.labels("200", "/x").inc(7)
    requests.labels("200", "/livez").inc(70)
    for route in ("/x", "/livez"):
        durations.labels(route).observe(0.5)
    pods["own-1"].serve(registry)
    counters = Counters(
        requests="web_requests_total", status="status", durations="web_seconds",
        without={"route": ("/livez",)},
    )  # fmt: skip
    source, wanted = pods.source(), Wanted(80, "/metrics", own_metrics(counters))

    def counted() -> ArmCounters | None:
        found = source.read([pod("own-1")], wanted, lambda _: False).told
        return next((own for each in found if (own := read_own(each.text, counters)).timed), None)

    own = once(counted)
    assert own.requests == {200: 7}
    assert own.timed == 1


def test_a_label_of_the_pods_own_has_its_name_though_the_target_has_one_of_it(pods: Pods) -> None:
    pods["named-1"].answer("stable", 3)
    source = pods.source()
    found = later(source, once_read(source, "named-1"), "named-1")
    assert snapshot(GatewayCounters(), found).stable.requests == {200: 3}


def test_counters_have_the_time_at_which_they_were_read(pods: Pods) -> None:
    exporter = pods["lag-1"]
    source, counters = pods.source(), GatewayCounters()
    first = once_read(source, "lag-1")
    before = snapshot(counters, first)
    assert before.taken_at == first.taken.newest < first.taken.looked
    exporter.answer("stable", 40)
    after = snapshot(counters, later(source, first, "lag-1"))
    period = difference(before, after)
    assert isinstance(period, Observation)
    assert period.stable.requests == {200: 40}
    # One scrape a second: a multiple of it, whenever the looks were.
    assert period.seconds == pytest.approx(round(period.seconds), abs=0.1)


def test_a_pod_that_had_no_request_yet_has_counted_nothing(pods: Pods) -> None:
    [told] = once_read(pods.source(), "idle-1").told
    assert "traefik_service_requests_total" not in told.text


def test_a_process_that_starts_again_is_counted_once(pods: Pods) -> None:
    exporter = pods["again-1"]
    exporter.answer("stable", 30)
    exporter.answer("canary", 4, code=500)
    source, counters = pods.source(), GatewayCounters()
    found = later(source, once_read(source, "again-1"), "again-1")
    before = snapshot(counters, found)
    assert (before.stable.requests, before.canary.requests) == ({200: 30}, {500: 4})
    exporter.start()
    # More than before at one arm, nothing yet at the other.
    exporter.answer("stable", 35)
    again = later(source, found, "again-1")
    after = snapshot(counters, again)
    assert (after.stable.requests, after.canary.requests) == ({200: 65}, {500: 4})
    exporter.answer("canary", 1, code=500)
    last = snapshot(counters, later(source, again, "again-1"))
    assert (last.stable.requests, last.canary.requests) == ({200: 65}, {500: 5})


def test_what_nobody_served_is_blamed_when_it_becomes_known(pods: Pods) -> None:
    exporter = pods["blame-1"]
    exporter.answer("stable", 1)
    exporter.answer("canary", 1)
    source, counters = pods.source(), GatewayCounters()
    found = later(source, once_read(source, "blame-1"), "blame-1")
    snapshot(counters, found)
    exporter.refuse(6)
    snapshot(counters, read(source, "blame-1"), "canary")
    # It is back before Prometheus knows of the time in which it was away.
    assert snapshot(counters, later(source, found, "blame-1")).canary.failed() == 6


def test_a_pod_that_is_not_read_any_more_is_not_taken_for_health(pods: Pods) -> None:
    exporter = pods["gone-1"]
    exporter.answer("stable", 30)
    source = pods.source(stale_after_s=3)
    once_read(source, "gone-1")
    exporter.stop()
    assert [each.process for each in read(source, "gone-1").told] == ["gone-1 0"]
    time.sleep(4.5)
    error = failed(lambda: read(source, "gone-1"))
    assert error.what == f"Prometheus at {pods.url} does not tell what pod gone-1 counted"
    assert error.why in {f"it last read that pod {n} s ago (limit 3 s)" for n in (4, 5, 6)}
    assert f"{pods.url}/targets" in error.hint
    assert read(source, "gone-1", is_needed=False).told == []


def test_a_pod_that_was_there_at_the_first_look_has_a_history_and_is_waited_for(
    pods: Pods,
) -> None:
    source = pods.source()
    once_read(pods.source(), "idle-1")
    error = failed(lambda: read(source, "idle-1", "idle-2"))
    assert "pod idle-2 counted" in error.what
    assert error.why == "it did not try to read that pod in the last 50 s"


def test_a_new_pod_counts_when_prometheus_has_come_to_it(pods: Pods) -> None:
    pods["new-1"].answer("stable", 10)
    source, counters = pods.source(), GatewayCounters()
    found = later(source, once_read(source, "new-1"), "new-1")
    assert snapshot(counters, found).stable.requests == {200: 10}
    assert len(read(source, "new-1", "new-2").told) == 1
    pods["new-2"].start()
    pods["new-2"].answer("stable", 5)
    both = once(lambda: found if len((found := read(source, "new-1", "new-2")).told) == 2 else None)
    both = later(source, both, "new-1", "new-2")
    assert snapshot(counters, both).stable.requests == {200: 15}


def test_a_new_pod_to_which_prometheus_never_comes_is_missed_in_the_end(pods: Pods) -> None:
    source = pods.source(stale_after_s=3)
    once_read(source, "known-1")
    assert len(read(source, "known-1", "unknown-1").told) == 1
    time.sleep(3.5)
    assert "unknown-1" in failed(lambda: read(source, "known-1", "unknown-1")).what


def test_a_pod_that_cannot_be_read_is_named_with_that_cause(pods: Pods) -> None:
    source = pods.source()
    why = "it could not read that pod in the last 50 s"
    once(lambda: True if failed(lambda: read(source, "deaf-1")).why == why else None)


def test_a_selector_that_fits_nothing_is_said_to_be_to_blame(pods: Pods) -> None:
    once_read(pods.source(), "selected-1")
    error = failed(lambda: read(pods.source(selector='namespace="shops"'), "selected-1"))
    assert error.why.startswith('it has no series `up` with namespace="shops" and the label pod')
    assert "`selector`" in error.hint


def test_a_pod_that_is_read_twice_is_refused_unless_one_is_picked(pods: Pods) -> None:
    pods["twice-1"].answer("stable", 3)
    source = pods.source()
    once(lambda: attempt(pods.source(selector='job="other"'), "twice-1"))
    what = f"Prometheus at {pods.url} counts the same twice"
    once(
        lambda: (
            True
            if attempt(source, "twice-1") is None
            and failed(lambda: read(source, "twice-1")).what == what
            else None
        )
    )
    picked = pods.source(selector='namespace="shop",job="other"')
    found = later(picked, once_read(picked, "twice-1"), "twice-1")
    assert snapshot(GatewayCounters(), found).stable.requests == {200: 3}


def test_no_pods_have_counted_nothing(pods: Pods) -> None:
    assert read(pods.source()).told == []


def test_what_prometheus_says_of_a_wrong_query_is_told(pods: Pods) -> None:
    api = PrometheusApi(pods.url)
    error = failed(lambda: api.samples('up{pod=~"("}', api.now(), 60))
    assert error.what == f"Prometheus at {pods.url} refuses a query"
    assert error.why.startswith("bad_data: ")
    assert 'up{pod=~"("}[60000ms]' in error.why
