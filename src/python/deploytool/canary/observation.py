"""What the router counted for the two arms of a canary, and the difference between two scrapes.

Counts are what the callers saw, per backend: a refused connection or a time-out is the arm's
failure as much as an answer 500. Readers of routers build `Snapshot`s; everything that judges
reads `Observation`s only.
"""

import math
from itertools import pairwise
from typing import Annotated, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PlainSerializer, field_validator

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


class Table(NamedTuple):
    """One block for one metric: requests (n) and hits (x: failures, or slow requests) per arm."""

    n_c: int
    x_c: int
    n_s: int
    x_s: int


def is_failure(code: int) -> bool:
    """Tell whether a status code is the backend's failure: 5xx, and 0 for no answer at all."""
    return code == 0 or 500 <= code <= 599


class ArmCounters(Frozen):
    """Requests of one backend, counted as they end: since the router started, or in a period.

    requests: by status code. buckets: (upper bound in seconds, requests at most that long),
    ascending and cumulative, the last bound +Inf; empty while the backend had no request.
    """

    requests: dict[int, NonNegativeInt] = {}
    buckets: tuple[tuple[Number, NonNegativeInt], ...] = ()

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

    @property
    def failures(self) -> dict[int, int]:
        """Failed requests by status code, those that occurred only."""
        return {code: n for code, n in sorted(self.requests.items()) if n and is_failure(code)}

    @property
    def failed(self) -> int:
        """Failed requests of every kind."""
        return sum(self.failures.values())

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
        return self.model_validate(
            {
                "requests": {c: self.requests.get(c, 0) + other.requests.get(c, 0) for c in codes},
                "buckets": _add_buckets(self.buckets, other.buckets),
            }
        )


class Snapshot(Frozen):
    """Both arms' cumulative counters from ONE scrape of the router.

    Two scrapes a poll apart would let a common spike of errors look like one arm's.
    taken_at: unix seconds.
    """

    taken_at: float
    stable: ArmCounters
    canary: ArmCounters


class Observation(Frozen):
    """What happened on both arms in one period of `seconds`."""

    seconds: float
    stable: ArmCounters
    canary: ArmCounters

    @property
    def requests(self) -> int:
        """Requests of both arms that count for errors: what the size of a block is measured in."""
        return self.stable.answered + self.canary.answered

    def errors(self) -> Table:
        """Count failures per arm."""
        return Table(
            self.canary.answered, self.canary.failed, self.stable.answered, self.stable.failed
        )

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
    seconds = max(0.0, after.taken_at - before.taken_at)  # the clock may have been set back
    return Observation(seconds=seconds, stable=arms["stable"], canary=arms["canary"])


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
