"""Counts and quantiles are those of what happened."""

import json
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploytool.traffic.load.counts import Failure, LoadCounts
from deploytool.traffic.load.tally import Tally

REVISIONS = ("stable", "canary", "none")


def failure(kind: str = "500", revision: str = "canary") -> Failure:
    return Failure(at=1.0, step="buy: GET /x", kind=kind, revision=revision, detail="broken")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.0002, 60), min_size=1, max_size=200))
def test_quantiles_are_at_most_5_percent_too_high(latencies: list[float]) -> None:
    tally = Tally()
    for latency_s in latencies:
        tally.add(latency_s=latency_s, revision="", failure=None)
    median = tally.counts(1.0).p50_s
    assert median is not None
    assert statistics.median_low(latencies) <= median * 1.000001
    assert median <= statistics.median_low(latencies) * 1.050001


def test_before_the_first_answer_there_are_no_quantiles() -> None:
    assert Tally().counts(0.0) == LoadCounts()


def test_failures_are_counted_by_kind_step_and_revision() -> None:
    tally = Tally()
    tally.add(latency_s=0.1, revision="stable", failure=None)
    tally.add(latency_s=0.1, revision="canary", failure=failure())
    tally.add(latency_s=None, revision="", failure=failure("refused", revision=""))
    counts = tally.counts(2.0)
    assert (counts.requests, counts.failures) == (3, 2)
    assert counts.failures_by_kind == {"500": 1, "refused": 1}
    assert counts.failures_by_step == {"buy: GET /x": 2}
    assert counts.failures_by_revision == {"canary": {"500": 1}, "": {"refused": 1}}
    assert counts.answers_by_revision == {"stable": 1, "canary": 1}
    answers = {name: (counts.right_answers(name), counts.wrong_answers(name)) for name in REVISIONS}
    assert answers == {"stable": (1, 0), "canary": (0, 1), "none": (0, 0)}
    assert [recent.kind for recent in counts.recent_failures] == ["500", "refused"]


def test_only_the_newest_failures_are_kept_one_by_one() -> None:
    tally = Tally()
    for number in range(100):
        tally.add(latency_s=None, revision="", failure=failure(str(number)))
    counts = tally.counts(1.0)
    assert counts.failures == 100
    assert [recent.kind for recent in counts.recent_failures] == [str(n) for n in range(80, 100)]


def test_wrong_answers_of_nobody_are_named_and_requests_without_an_answer_are_not() -> None:
    tally = Tally()
    for kind in ("unexpected body", "502", "unexpected body", "timeout", "refused", "reset"):
        tally.add(latency_s=None, revision="", failure=failure(kind, revision=""))
    # Where no answer names its revision, nobody is meant to be told apart.
    assert "named no version" not in tally.counts(1.0).summary()
    tally.add(latency_s=0.1, revision="stable", failure=None)
    assert (
        "; 3 wrong answers named no version (unexpected body: 2, 502: 1): they are in no version"
        in tally.counts(1.0).summary()
    )


@pytest.mark.parametrize(
    ("counts", "summary"),
    [
        (LoadCounts(), "0 requests in 0 s; none failed"),
        (
            LoadCounts(requests=800, elapsed_s=10.2, p50_s=0.004, p99_s=0.02),
            "800 requests in 10 s; none failed; median 4 ms, p99 20 ms",
        ),
        (
            LoadCounts(
                requests=9,
                failures=3,
                failures_by_kind={"timeout": 1, "500": 2},
                not_sent=4,
                cut_off=1,
            ),
            "9 requests in 0 s; 3 failed (500: 2, timeout: 1); 4 journeys not sent: too many were "
            "under way; 1 journeys cut off at the end",
        ),
    ],
)
def test_a_sentence_sums_it_up(counts: LoadCounts, summary: str) -> None:
    assert counts.summary() == summary


def test_the_figures_are_json() -> None:
    tally = Tally()
    tally.add(latency_s=0.1, revision="canary", failure=failure())
    assert (
        json.loads(json.dumps(tally.counts(1.0).as_dict()))["recent_failures"][0]["kind"] == "500"
    )
