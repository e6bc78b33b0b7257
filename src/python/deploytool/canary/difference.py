"""The difference between two looks at the counters of a router and of the backends."""

from collections.abc import Callable

from deploytool.canary.observation import (
    NO_EVENT,
    ArmCounters,
    Buckets,
    Observation,
    Pair,
    Reset,
    Snapshot,
)


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
    growth = {
        name: _events_between(before, after, _business(name))
        for name in sorted(after.stable.business)
    }
    expected = _events_between(before, after, lambda arm: arm.expected) or {}
    for name, arm in arms.items():
        events = {metric: pair[name] for metric, pair in growth.items() if pair}
        known = {"business": events, "expected": expected.get(name)}
        arms[name] = arm.model_copy(update=known)
    return Observation(
        seconds=after.taken_at - before.taken_at,
        stable=arms["stable"],
        canary=arms["canary"],
        load_ratio=max(before.load_ratio, after.load_ratio),
        share=after.share if after.share == before.share else None,
    )


def _business(name: str) -> Callable[[ArmCounters], Pair | None]:
    return lambda arm: arm.business.get(name)


def _events_between(
    before: Snapshot, after: Snapshot, pair_of: Callable[[ArmCounters], Pair | None]
) -> dict[str, Pair] | None:
    """Return the events of two counters by arm; None if either arm's cannot be told.

    A backend that was restarted counts from zero again. The events of this poll are then left out
    for both arms, as a reset of the router leaves out all. A canary whose counters were read in
    neither look has no events, and stable keeps its own: if that goes on, the canary is silent.
    """
    events = {}
    arms = (("stable", before.stable, after.stable), ("canary", before.canary, after.canary))
    for arm, old, new in arms:
        was, now = pair_of(old), pair_of(new)
        if arm == "canary" and was is None and now is None:
            was = now = NO_EVENT
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
    buckets = _bucket_growth(old.buckets, new.buckets)
    gave_up = _bucket_growth(old.gave_up, new.gave_up)
    if buckets is None or gave_up is None:
        return None
    grown = {code: n for code, n in requests.items() if n}
    return ArmCounters(requests=grown, buckets=buckets, gave_up=gave_up)


def _bucket_growth(old: Buckets, new: Buckets) -> Buckets | None:
    if old and [b for b, _ in old] != [b for b, _ in new]:
        return None
    old_counts = [n for _, n in old] or [0] * len(new)
    counts = [n - was for (_, n), was in zip(new, old_counts, strict=True)]
    if any(n < 0 for n in counts) or counts != sorted(counts):
        return None
    return tuple((b, n) for (b, _), n in zip(new, counts, strict=True))
