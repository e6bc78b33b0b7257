"""What the router counted for the two arms of a canary, and the difference between two scrapes.

Counts are what the callers saw, per backend: a refused connection or a time-out is the arm's
failure as much as an answer 500. Readers of routers build `Snapshot`s; everything that judges
reads `Observation`s only.
"""

import math
from itertools import pairwise
from typing import Annotated, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PlainSerializer, field_validator

from deploytool.canary.failure import FailureKind, failure_kind

CLIENT_GAVE_UP = 499
"""Neither success nor failure: the client left. Its waiting time still counts as latency, or the
slowest requests of a slow canary would vanish."""


class Frozen(BaseModel):
    """A value that is saved as JSON and never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _without_infinity(number: float) -> float | str:
    return number if math.isfinite(number) else str(number)


Number = Annotated[float, PlainSerializer(_without_infinity, when_used="json")]
"""A float that may be infinite: JSON has no infinity, so there it is the string "inf"."""


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


class ArmCounters(Frozen):
    """Requests of one backend, counted as they end: since the router started, or in a period.

    requests: by status code. buckets: (upper bound in seconds, requests at most that long),
    ascending and cumulative, the last bound +Inf; empty while the backend had no request.
    business: what the backend itself counted, by the metric's name.
    """

    requests: dict[int, NonNegativeInt] = {}
    buckets: tuple[tuple[Number, NonNegativeInt], ...] = ()
    business: dict[str, Pair] = {}

    @field_validator("buckets")
    @classmethod
    def _are_cumulative(
        cls, buckets: tuple[tuple[float, int], ...]
    ) -> tuple[tuple[float, int], ...]:
        if buckets and buckets[-1][0] != math.inf:
            raise ValueError("the last bucket's bound must be +Inf")
        for (bound, count), (next_bound, next_count) in pairwise(buckets):
            if not (0 < bound < next_bound and count <= next_count):
                raise ValueError("buckets must be ascending and cumulative")
        return buckets

    @property
    def answered(self) -> int:
        """Requests that count for errors: all but those whose client gave up."""
        return sum(n for code, n in self.requests.items() if code != CLIENT_GAVE_UP)

    def failures(self, *, with_client_errors: bool = False) -> dict[int, int]:
        """Return the failed requests by status code, those that occurred only."""
        return {
            code: n
            for code, n in sorted(self.requests.items())
            if n and (kind := failure_kind(code))
            if with_client_errors or kind is not FailureKind.CLIENT_ERROR
        }

    def failed(self, *, with_client_errors: bool = False) -> int:
        """Count the failed requests of every kind."""
        return sum(self.failures(with_client_errors=with_client_errors).values())

    @property
    def timed(self) -> int:
        """Requests that count for latency, those whose client gave up included."""
        return self.buckets[-1][1] if self.buckets else 0

    def slower_than(self, bound_s: float) -> int:
        """Count requests that took longer than one of the buckets' bounds.

        Raises ValueError if there is no bucket with this bound.
        """
        if not self.buckets:
            return 0
        for bound, count in self.buckets:
            if bound == bound_s:
                return self.timed - count
        raise ValueError(f"the router has no latency bucket of {bound_s} s")

    def plus(self, other: Self) -> Self:
        """Add the counts of another period; both must have the same buckets, or one none."""
        codes = sorted(self.requests.keys() | other.requests.keys())
        names = sorted(self.business.keys() | other.business.keys())
        return self.model_validate(
            {
                "requests": {c: self.requests.get(c, 0) + other.requests.get(c, 0) for c in codes},
                "buckets": _add_buckets(self.buckets, other.buckets),
                "business": {
                    n: self.business.get(n, NO_EVENT).plus(other.business.get(n, NO_EVENT))
                    for n in names
                },
            }
        )


class Snapshot(Frozen):
    """Both arms' cumulative counters from ONE scrape of the router.

    Two scrapes a poll apart would let a common spike of errors look like one arm's.
    taken_at: when the router had counted so much, in seconds; the same as before if it was not read
    anew since. Of a clock that nobody sets, or of who read it; differences alone mean something.
    load_ratio: how many times the load of one of stable's processes each of the canary's carries.
    """

    taken_at: float
    stable: ArmCounters
    canary: ArmCounters
    load_ratio: float = 1.0


class Observation(Frozen):
    """What happened on both arms in one period of `seconds`.

    load_ratio: see Snapshot; the greatest there was.
    """

    seconds: float
    stable: ArmCounters
    canary: ArmCounters
    load_ratio: float = 1.0

    @property
    def requests(self) -> int:
        """Requests of both arms that count for errors: what the size of a block is measured in."""
        return self.stable.answered + self.canary.answered

    def errors(self, *, with_client_errors: bool = False) -> Table:
        """Count failures per arm."""
        return Table(
            self.canary.answered,
            self.canary.failed(with_client_errors=with_client_errors),
            self.stable.answered,
            self.stable.failed(with_client_errors=with_client_errors),
        )

    def events(self, name: str) -> Table:
        """Count the events of a business metric per arm; those of `per` are the hits.

        If versions are alike and each request is routed on its own, an event's kind says nothing
        about its arm, whatever the common ratio is: what errors and successes are to each other.
        """
        canary = self.canary.business.get(name, NO_EVENT)
        stable = self.stable.business.get(name, NO_EVENT)
        return Table(canary.count + canary.per, canary.per, stable.count + stable.per, stable.per)

    def slower_than(self, bound_s: float) -> Table:
        """Count requests over a bound per arm."""
        return Table(
            self.canary.timed,
            self.canary.slower_than(bound_s),
            self.stable.timed,
            self.stable.slower_than(bound_s),
        )

    def plus(self, other: Self) -> Self:
        """Join two periods into one."""
        return self.model_copy(
            update={
                "seconds": self.seconds + other.seconds,
                "stable": self.stable.plus(other.stable),
                "canary": self.canary.plus(other.canary),
                "load_ratio": max(self.load_ratio, other.load_ratio),
            }
        )


NOTHING = Observation(seconds=0.0, stable=ArmCounters(), canary=ArmCounters())
"""The observation of no time at all."""


class Reset(Frozen):
    """The counters of two scrapes cannot be compared: this poll says nothing about either arm."""

    reason: str


def difference(before: Snapshot, after: Snapshot) -> Observation | Reset:
    """Tell what happened between two scrapes, or that the router restarted between them.

    A counter that falls (or vanishes) means a restart, which voids the poll for both arms: what
    one arm lost cannot be known, and dropping one arm alone would bias the comparison.
    """
    arms: dict[str, ArmCounters] = {}
    for name, old, new in (
        ("stable", before.stable, after.stable),
        ("canary", before.canary, after.canary),
    ):
        arm = _grown(old, new)
        if arm is None:
            return Reset(reason=f"a counter of the {name} arm fell: the router restarted")
        arms[name] = arm
    growth = {name: _events_between(name, before, after) for name in sorted(after.canary.business)}
    for name, arm in arms.items():
        events = {metric: pair[name] for metric, pair in growth.items() if pair}
        arms[name] = arm.model_copy(update={"business": events})
    seconds = after.taken_at - before.taken_at
    return Observation(
        seconds=seconds,
        stable=arms["stable"],
        canary=arms["canary"],
        load_ratio=max(before.load_ratio, after.load_ratio),
    )


def _events_between(name: str, before: Snapshot, after: Snapshot) -> dict[str, Pair] | None:
    """Return a business metric's events by arm; None if either arm's cannot be told.

    A backend that was restarted counts from zero again. Its events of this poll are then left out
    for both arms, as a reset of the router leaves out all.
    """
    events = {}
    arms = (("stable", before.stable, after.stable), ("canary", before.canary, after.canary))
    for arm, old, new in arms:
        was, now = old.business.get(name), new.business.get(name)
        if was is None or now is None or now.count < was.count or now.per < was.per:
            return None
        events[arm] = Pair(count=now.count - was.count, per=now.per - was.per)
    return events


def _grown(old: ArmCounters, new: ArmCounters) -> ArmCounters | None:
    """Subtract old from new, or return None if that is no growth of the same counters."""
    requests = {
        code: new.requests.get(code, 0) - old.requests.get(code, 0)
        for code in sorted(new.requests.keys() | old.requests.keys())
    }
    if any(n < 0 for n in requests.values()):
        return None
    if old.buckets and [b for b, _ in old.buckets] != [b for b, _ in new.buckets]:
        return None
    old_counts = [n for _, n in old.buckets] or [0] * len(new.buckets)
    counts = [n - was for (_, n), was in zip(new.buckets, old_counts, strict=True)]
    if any(n < 0 for n in counts) or counts != sorted(counts):
        return None
    buckets = tuple((b, n) for (b, _), n in zip(new.buckets, counts, strict=True))
    return ArmCounters(requests={c: n for c, n in requests.items() if n}, buckets=buckets)


def _add_buckets(
    left: tuple[tuple[float, int], ...], right: tuple[tuple[float, int], ...]
) -> tuple[tuple[float, int], ...]:
    if not left or not right:
        return left or right
    if [b for b, _ in left] != [b for b, _ in right]:
        raise ValueError("the latency buckets changed during the canary")
    return tuple((b, n + m) for (b, n), (_, m) in zip(left, right, strict=True))
