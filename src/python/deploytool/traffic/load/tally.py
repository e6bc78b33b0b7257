"""Counts what became of the requests of a load."""

import math
import threading
from collections import Counter, deque

from deploytool.traffic.load.counts import Failure, LoadCounts

# Latencies are counted in classes, each this much wider than the one below it: a quantile is at
# most 5 % too high, and a load of days takes no more memory than one of seconds.
_CLASS_RATIO = 1.05
_SHORTEST_S = 0.0001
_RECENT_FAILURES = 20


class Tally:
    """Counts in one thread and is read in another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._steps: Counter[str] = Counter()
        self._revisions: dict[str, Counter[str]] = {}
        self._recent: deque[Failure] = deque(maxlen=_RECENT_FAILURES)
        self._latencies: Counter[int] = Counter()
        self._requests = self._journeys = self._ended = self._not_sent = self._cut_off = 0

    def begin_journey(self) -> None:
        """Count a journey that begins."""
        with self._lock:
            self._journeys += 1

    def end_journey(self, *, is_cut_off: bool) -> None:
        """Count the end of a journey."""
        with self._lock:
            self._ended += 1
            self._cut_off += is_cut_off

    def miss_journey(self) -> None:
        """Count a journey that could not begin."""
        with self._lock:
            self._not_sent += 1

    def add(self, *, latency_s: float | None, revision: str, failure: Failure | None) -> None:
        """Count a request that ended. latency_s: None where it says nothing of the system."""
        with self._lock:
            self._requests += 1
            if revision:
                self._answers[revision] += 1
            if latency_s is not None:
                self._latencies[_class_of(latency_s)] += 1
            if failure:
                self._kinds[failure.kind] += 1
                self._steps[failure.step] += 1
                self._revisions.setdefault(failure.revision, Counter())[failure.kind] += 1
                self._recent.append(failure)

    def counts(self, elapsed_s: float) -> LoadCounts:
        """Return all counts of one moment."""
        with self._lock:
            return LoadCounts(
                requests=self._requests,
                failures=self._kinds.total(),
                journeys=self._journeys,
                under_way=self._journeys - self._ended,
                not_sent=self._not_sent,
                cut_off=self._cut_off,
                elapsed_s=elapsed_s,
                failures_by_kind=dict(self._kinds),
                failures_by_step=dict(self._steps),
                failures_by_revision={name: dict(kinds) for name, kinds in self._revisions.items()},
                answers_by_revision=dict(self._answers),
                recent_failures=tuple(self._recent),
                p50_s=_quantile(self._latencies, 0.5),
                p95_s=_quantile(self._latencies, 0.95),
                p99_s=_quantile(self._latencies, 0.99),
            )


def _class_of(latency_s: float) -> int:
    return max(0, math.ceil(math.log(max(latency_s, _SHORTEST_S) / _SHORTEST_S, _CLASS_RATIO)))


def _quantile(latencies: Counter[int], share: float) -> float | None:
    """Return the upper end of the class in which the quantile lies, in seconds."""
    rank = math.ceil(share * latencies.total())
    for latency_class in sorted(latencies):
        rank -= latencies[latency_class]
        if rank <= 0:
            return float(_SHORTEST_S * _CLASS_RATIO**latency_class)
    return None
