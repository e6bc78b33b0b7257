"""What the router counted for the two arms of a canary, and the difference between two scrapes.

Counts are what the callers saw, per backend: a refused connection or a time-out is the arm's
failure as much as an answer 500. Readers of routers build `Snapshot`s; everything that judges
reads `Observation`s only.
"""

import math
from collections.abc import Callable
from itertools import pairwise
from operator import add, sub
from typing import Annotated, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PlainSerializer, field_validator

from deploytool.canary.failure import (
    CLIENT_GAVE_UP,
    failure_kind,
    is_client_error,
    is_redirect,
    is_success,
)


class Frozen(BaseModel):
    """A value that is saved as JSON and never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def _without_infinity(number: float) -> float | str:
    return number if math.isfinite(number) else str(number)


Number = Annotated[float, PlainSerializer(_without_infinity, when_used="json")]
"""A float that may be infinite: JSON has no infinity, so there it is the string "inf"."""

Buckets = tuple[tuple[Number, NonNegativeInt], ...]
"""(upper bound in seconds, requests at most that long), ascending and cumulative, the last bound
+Inf; empty without any request."""


class Pair(Frozen):
    """Two counters of different events: the good `count` in relation to `per`.

    No event is counted in both; an example: reservations confirmed, per reservation made.
    """

    count: NonNegativeInt
    per: NonNegativeInt

    def plus(self, other: Self) -> Self:
        """Add the events of another period."""
        return self.model_copy(
            update={"count": self.count + other.count, "per": self.per + other.per}
        )


NO_EVENT = Pair(count=0, per=0)


class Table(NamedTuple):
    """One block for one metric: requests (n) and hits (x: failures, or slow requests) per arm."""

    n_c: int
    x_c: int
    n_s: int
    x_s: int

    def plus(self, other: "Table") -> "Table":
        """Add another block."""
        return Table(*map(add, self, other))

    def minus(self, other: "Table") -> "Table":
        """Leave out a block that was added."""
        return Table(*map(sub, self, other))


NO_TABLE = Table(0, 0, 0, 0)


NOBODY_IS_LATE = math.inf
"""Given for the wait after which a client that gives up met a failure: none does."""


class ArmCounters(Frozen):
    """Requests of one backend, counted as they end: since the router started, or in a period.

    requests: by status code. buckets: how long all of them took, gave_up: those alone whose client
    gave up. business: what the backend itself counted, by the metric's name. expected: answers that
    were as expected (count) and that were not (per), as the tool's own load found.
    """

    requests: dict[int, NonNegativeInt] = {}
    buckets: Buckets = ()
    gave_up: Buckets = ()
    business: dict[str, Pair] = {}
    expected: Pair | None = None

    @field_validator("buckets", "gave_up")
    @classmethod
    def _are_cumulative(cls, buckets: Buckets) -> Buckets:
        if buckets and buckets[-1][0] != math.inf:
            raise ValueError("the last bucket's bound must be +Inf")
        for (bound, count), (next_bound, next_count) in pairwise(buckets):
            if not (0 < bound < next_bound and count <= next_count):
                raise ValueError("buckets must be ascending and cumulative")
        return buckets

    @property
    def ended(self) -> int:
        """Requests that ended, however they did."""
        return sum(self.requests.values())

    @property
    def answered(self) -> int:
        """Requests that were answered, by the backend or for it: all that no client gave up."""
        return self.ended - self.requests.get(CLIENT_GAVE_UP, 0)

    def gave_up_late(self, late_s: float | None) -> int:
        """Count the clients that gave up after a longer wait than late_s, or all where it is None.

        Nobody knows then how long a wait is usual; visitors without patience fall on both arms
        alike, so that all the same more of them at one arm tell something.
        """
        if late_s is None:
            return self.requests.get(CLIENT_GAVE_UP, 0)
        return _above(self.gave_up, late_s)

    def gave_up_soon(self, late_s: float | None) -> int:
        """Count the other clients that gave up: neither failures nor successes."""
        return max(0, self.requests.get(CLIENT_GAVE_UP, 0) - self.gave_up_late(late_s))

    def judged(self, late_s: float | None) -> int:
        """Count the requests that are judged for errors: answered, or given up too late."""
        return self.answered + self.gave_up_late(late_s)

    def failures(self, late_s: float | None = NOBODY_IS_LATE) -> dict[int, int]:
        """Return the failed requests by status code, those that occurred only.

        late_s: a client that gave up later is one; None: each is.
        """
        counts = {**self.requests, CLIENT_GAVE_UP: self.gave_up_late(late_s)}
        return {code: n for code, n in sorted(counts.items()) if n and failure_kind(code)}

    def failed(self, late_s: float | None = NOBODY_IS_LATE) -> int:
        """Count the failed requests of every kind."""
        return sum(self.failures(late_s).values())

    def by_code(self, is_wanted: Callable[[int], bool]) -> dict[int, int]:
        """Return the requests of wanted status codes, those that occurred only."""
        return {code: n for code, n in sorted(self.requests.items()) if n and is_wanted(code)}

    def counted(self, is_wanted: Callable[[int], bool]) -> int:
        """Count the requests whose status is wanted."""
        return sum(self.by_code(is_wanted).values())

    @property
    def timed(self) -> int:
        """Requests that count for latency, those whose client gave up included."""
        return self.buckets[-1][1] if self.buckets else 0

    def slower_than(self, bound_s: float) -> int:
        """Count requests that took longer than one of the buckets' bounds.

        Raises ValueError if there is no bucket with this bound.
        """
        return _above(self.buckets, bound_s)

    def plus(self, other: Self) -> Self:
        """Add the counts of another period; both must have the same buckets, or one none."""
        codes = sorted(self.requests.keys() | other.requests.keys())
        names = sorted(self.business.keys() | other.business.keys())
        return self.model_validate(
            {
                "requests": {c: self.requests.get(c, 0) + other.requests.get(c, 0) for c in codes},
                "buckets": _add_buckets(self.buckets, other.buckets),
                "gave_up": _add_buckets(self.gave_up, other.gave_up),
                "business": {
                    n: self.business.get(n, NO_EVENT).plus(other.business.get(n, NO_EVENT))
                    for n in names
                },
                "expected": self.expected.plus(other.expected)
                if self.expected and other.expected
                else self.expected or other.expected,
            }
        )


class Snapshot(Frozen):
    """Both arms' cumulative counters from ONE scrape of the router.

    Two scrapes a poll apart would let a common spike of errors look like one arm's.
    taken_at: when the router had counted so much, in seconds; the same as before if it was not read
    anew since. Of a clock that nobody sets, or of who read it; differences alone mean something.
    load_ratio: how many times the load of one of stable's processes each of the canary's carries.
    share: of the requests (0-1) that the router is told to give the canary; None where nobody tells
    it request by request: visitors stay with a version, or the number of pods makes the share.
    """

    taken_at: float
    stable: ArmCounters
    canary: ArmCounters
    load_ratio: float = 1.0
    share: float | None = None


class Observation(Frozen):
    """What happened on both arms in one period of `seconds`.

    load_ratio: see Snapshot; the greatest there was.
    share: what the router was told to give the canary all the time, as in `Snapshot`.
    """

    seconds: float
    stable: ArmCounters
    canary: ArmCounters
    load_ratio: float = 1.0
    share: float | None = None

    @property
    def requests(self) -> int:
        """Requests of both arms that ended: what the size of a block is measured in."""
        return self.stable.ended + self.canary.ended

    def errors(self, late_s: float | None = NOBODY_IS_LATE) -> Table:
        """Count failures per arm. late_s: who gave up later than that met one; None: each did."""
        canary, stable = self.canary, self.stable
        return Table(
            canary.judged(late_s),
            canary.failed(late_s),
            stable.judged(late_s),
            stable.failed(late_s),
        )

    def client_errors(self) -> Table:
        """Count answers 4xx per arm, among all answers."""
        canary, stable = self.canary, self.stable
        return Table(
            canary.answered,
            canary.counted(is_client_error),
            stable.answered,
            stable.counted(is_client_error),
        )

    def redirects(self) -> Table:
        """Count redirects per arm, among redirects and successes."""

        def count(arm: ArmCounters) -> tuple[int, int]:
            redirects = arm.counted(is_redirect)
            return redirects + arm.counted(is_success), redirects

        return Table(*count(self.canary), *count(self.stable))

    def unexpected(self) -> Table:
        """Count answers that were not as expected, among those that the tool's load looked at."""
        canary, stable = self.canary.expected or NO_EVENT, self.stable.expected or NO_EVENT
        return Table(canary.count + canary.per, canary.per, stable.count + stable.per, stable.per)

    def events(self, name: str) -> Table:
        """Count the events of a business metric per arm; those of `per` are the hits.

        If versions are alike and each request is routed on its own, an event's kind says nothing
        about its arm, whatever the common ratio is: what errors and successes are to each other.
        """
        canary = self.canary.business.get(name, NO_EVENT)
        stable = self.stable.business.get(name, NO_EVENT)
        return Table(canary.count + canary.per, canary.per, stable.count + stable.per, stable.per)

    def slower_than(self, canary_bound_s: float, stable_bound_s: float | None = None) -> Table:
        """Count requests over a bound per arm; stable's may be another one."""
        return Table(
            self.canary.timed,
            self.canary.slower_than(canary_bound_s),
            self.stable.timed,
            self.stable.slower_than(stable_bound_s or canary_bound_s),
        )

    def plus(self, other: Self) -> Self:
        """Join two periods into one."""
        return self.model_copy(
            update={
                "seconds": self.seconds + other.seconds,
                "stable": self.stable.plus(other.stable),
                "canary": self.canary.plus(other.canary),
                "load_ratio": max(self.load_ratio, other.load_ratio),
                "share": self._share_with(other),
            }
        )

    def _share_with(self, other: Self) -> float | None:
        """Return the share that was set in both periods; one without a request has none."""
        if not (self.requests and other.requests):
            return self.share if self.requests else other.share
        return self.share if self.share == other.share else None


NOTHING = Observation(seconds=0.0, stable=ArmCounters(), canary=ArmCounters())
"""The observation of no time at all."""


class Reset(Frozen):
    """The counters of two scrapes cannot be compared: this poll says nothing about either arm."""

    reason: str


def _above(buckets: Buckets, bound_s: float) -> int:
    """Count what is above one of the buckets' bounds. Raises ValueError if there is none such."""
    if not buckets:
        return 0
    for bound, count in buckets:
        if bound == bound_s:
            return buckets[-1][1] - count
    raise ValueError(f"the router has no latency bucket of {bound_s} s")


def _add_buckets(left: Buckets, right: Buckets) -> Buckets:
    if not left or not right:
        return left or right
    if [b for b, _ in left] != [b for b, _ in right]:
        raise ValueError("the latency buckets changed during the canary")
    return tuple((b, n + m) for (b, n), (_, m) in zip(left, right, strict=True))
