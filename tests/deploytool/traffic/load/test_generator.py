"""The load keeps its rate, tells what failed and how, and loses nothing silently."""

import socket
import subprocess
import sys
import threading
import time

import pytest

from deploytool.system.load import Load
from deploytool.traffic.load import client, generator
from deploytool.traffic.load.counts import LoadCounts
from deploytool.traffic.load.generator import LoadGenerator
from tests.deploytool.traffic.load.shop import BUY, Shop, get, load_of


def sent(url: str, load: Load, duration_s: float, finish_s: float = 5.0) -> LoadCounts:
    """Send the load for a time and return its counts."""
    generator = LoadGenerator(url, load, None, seed=1)
    generator.start()
    time.sleep(duration_s)
    return generator.stop(finish_s)


def unused_url() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_the_rate_is_kept_at_less_than_a_third_of_a_core(shop: Shop) -> None:
    load = LoadGenerator(shop.url, load_of(BUY, get("/fine")), rate=100, seed=1)
    load.start()
    [thread] = [thread for thread in threading.enumerate() if thread.name == "load"]
    assert thread.ident is not None
    time.sleep(3)
    cpu_s = time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
    counts = load.stop(5)
    # 200 journeys are expected, give or take 14: four of these deviations are allowed.
    assert counts.requests == pytest.approx(300, rel=0.28)
    assert (counts.failures, counts.not_sent, counts.cut_off) == (0, 0, 0)
    assert cpu_s / counts.elapsed_s < 0.30


def test_every_right_answer_and_every_failure_is_counted_where_it_belongs(shop: Shop) -> None:
    counts = sent(shop.url, load_of(get("/fine"), get("/broken"), get("/missing")), 0.6)
    seen = {path: shop.seen.count(f"GET {path}") for path in ("/fine", "/broken", "/missing")}
    assert min(seen.values()) > 0
    assert counts.requests == sum(seen.values())
    assert counts.failures_by_kind == {"500": seen["/broken"], "404": seen["/missing"]}
    assert counts.failures_by_step == {
        "b: GET /broken": seen["/broken"],
        "c: GET /missing": seen["/missing"],
    }
    assert counts.failures_by_revision == {
        "canary": {"500": seen["/broken"]},
        "stable": {"404": seen["/missing"]},
    }
    assert counts.answers_by_revision == {
        "canary": seen["/broken"],
        "stable": seen["/fine"] + seen["/missing"],
    }
    details = {failure.detail for failure in counts.recent_failures if failure.kind == "500"}
    assert details == {'{"title": "broken"}'}


def test_a_server_that_is_not_there_refuses() -> None:
    counts = sent(unused_url(), load_of(get("/fine")), 0.3)
    assert counts.failures == counts.requests > 0
    assert counts.failures_by_kind == {"refused": counts.requests}
    # How fast a connection is refused says nothing of the system.
    assert counts.p50_s is None


def test_a_connection_that_breaks_is_a_reset(shop: Shop) -> None:
    counts = sent(shop.url, load_of(get("/reset")), 0.3)
    assert counts.failures_by_kind == {"reset": counts.requests}
    # Each was sent once: a repetition would hide a failure from the one who counts.
    assert len(shop.seen) == counts.requests


def test_no_answer_in_time_is_a_timeout_and_counts_as_slow(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "TIMEOUT_S", 0.1)
    counts = sent(shop.url, load_of(get("/slow")), 0.3)
    assert counts.failures_by_kind == {"timeout": counts.requests}
    assert counts.p50_s is not None
    assert counts.p50_s >= 0.1


def test_an_answer_without_what_the_next_step_needs_is_malformed(shop: Shop) -> None:
    text = [{"request": "GET /text", "capture": {"order": "/id"}}, *get("/orders/${order}")]
    counts = sent(shop.url, load_of(text), 0.3)
    assert counts.failures_by_kind == {"malformed": counts.requests}
    assert set(shop.seen) == {"GET /text"}


def test_a_right_status_with_another_body_than_declared_is_a_failure(shop: Shop) -> None:
    fine, wrong = ([{**get("/fine")[0], "holds": {"/name": name}}] for name in ("fine", "fair"))
    counts = sent(shop.url, load_of(fine, wrong), 0.4)
    assert set(counts.failures_by_kind) == {"unexpected body"}
    assert set(counts.failures_by_step) == {"b: GET /fine"}
    assert counts.failures_by_revision == {"stable": counts.failures_by_kind}
    assert counts.recent_failures[0].detail == "has 'fine' at /name, 'fair' was expected"


def test_a_journey_ends_where_an_answer_is_wrong(shop: Shop) -> None:
    counts = sent(shop.url, load_of([*get("/broken"), *get("/fine")]), 0.3)
    assert set(shop.seen) == {"GET /broken"}
    assert (counts.under_way, counts.cut_off) == (0, 0)


def test_slow_answers_do_not_slow_the_load_down(shop: Shop) -> None:
    counts = sent(shop.url, load_of(get("/slow"), rate=50), 2)
    # One visitor after another could send 10 of these 100 in that time.
    assert counts.requests == pytest.approx(100, rel=0.4)
    assert counts.p50_s is not None
    assert 0.2 <= counts.p50_s < 1


def test_what_could_not_be_sent_is_said(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "_MOST_UNDER_WAY", 2)
    counts = sent(shop.url, load_of(get("/slow")), 1)
    assert counts.requests == counts.journeys == len(shop.seen)
    assert counts.journeys <= 12
    assert counts.journeys + counts.not_sent == pytest.approx(100, rel=0.4)


def test_journeys_under_way_are_let_finish(shop: Shop) -> None:
    slow_then_fine = [*get("/slow"), *get("/fine")]
    counts = sent(shop.url, load_of(slow_then_fine), 0.3, finish_s=5)
    assert (counts.under_way, counts.cut_off) == (0, 0)
    assert shop.seen.count("GET /slow") == shop.seen.count("GET /fine") == counts.journeys


def test_journeys_that_do_not_finish_in_time_are_cut_off_and_said(shop: Shop) -> None:
    shop.slow_s = 5
    began = time.monotonic()
    counts = sent(shop.url, load_of(get("/slow")), 0.3, finish_s=0.1)
    assert time.monotonic() - began < 4
    assert counts.cut_off == counts.journeys > 0
    # What became of their requests is unknown.
    assert counts.requests == 0


def test_each_journey_is_a_visitor_of_its_own(shop: Shop) -> None:
    sent(shop.url, load_of(BUY), 0.4)
    keys = [key for key in shop.keys if key]
    assert len(keys) == len(set(keys)) == len(shop.orders)
    assert set(shop.cookies) == {""}


def test_the_counts_can_be_read_while_it_runs(shop: Shop) -> None:
    load = LoadGenerator(shop.url, load_of(get("/fine")), None, seed=1)
    load.start()
    time.sleep(0.3)
    early = load.snapshot()
    time.sleep(0.3)
    late = load.stop(5)
    assert 0 < early.requests < late.requests
    assert load.stop(5) == late


def test_a_fault_of_its_own_is_not_silence(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(generator, "drawn", fail)
    load = LoadGenerator(shop.url, load_of(get("/fine")), None, seed=1)
    load.start()
    time.sleep(0.3)
    with pytest.raises(ExceptionGroup):
        load.snapshot()
    with pytest.raises(ExceptionGroup):
        load.stop(1)


def test_it_ends_with_its_process(shop: Shop) -> None:
    program = """
import sys
from deploytool.system.load import Load
from deploytool.traffic.load.generator import LoadGenerator
from tests.deploytool.traffic.load.shop import BUY, Shop, get, load_of
LoadGenerator(sys.argv[1], Load.model_validate_json(sys.argv[2]), None, 1).start()
raise SystemExit(3)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program, shop.url, load_of(get("/slow")).model_dump_json()],
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (3, "")
