"""Traffic on demand: beside a canary where there are no visitors, or by itself."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from deploytool.errors import CheckFailed, InvalidInput, NotReady
from deploytool.operations.context import Context
from deploytool.platforms.base import Condition, Role
from deploytool.record.event import Event
from deploytool.system.declaration import Invariant
from deploytool.traffic.load.counts import LoadCounts
from deploytool.traffic.load.generator import LoadGenerator

# Requests under way when the load ends get this long; then the data is looked at.
_FINISH_S = 15.0
# Work that services finish by themselves after a request (driving on what was interrupted).
_SETTLE_S = 30.0
_RETRY_S = 1.0
# How many of many findings an error names.
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Traffic:
    """What traffic is wanted.

    rate: requests per second, None for the declared one where the target has no visitors.
    """

    is_wanted: bool = True
    rate: float | None = None
    seed: int = 1


@dataclass(frozen=True, slots=True)
class TrafficResult:
    """What the traffic met, which promises are not kept, and which invariants are broken."""

    counts: LoadCounts
    lost: tuple[str, ...]
    broken: tuple[str, ...]


@dataclass(slots=True)
class SentTraffic:
    """Filled in when the traffic has ended; stays None when none was wanted."""

    result: TrafficResult | None = None


@contextmanager
def traffic(context: Context, wanted: Traffic) -> Iterator[SentTraffic]:
    """Send traffic while the block runs; afterwards see that nothing acknowledged was lost.

    Raises CheckFailed when something was lost or an invariant is broken.
    """
    sent = SentTraffic()
    declared = context.system.load
    is_wanted = wanted.is_wanted and (wanted.rate is not None or not context.has_visitors)
    if not is_wanted or declared is None:
        yield sent
        return
    rate = wanted.rate or declared.rate
    generator = LoadGenerator(context.platform.gateway_url(), declared, rate, wanted.seed)
    generator.start()
    try:
        reason = f"{rate:g} requests a second"
        context.emit(Event("load-started", reason=reason, view=generator))
        yield sent
    except BaseException:
        generator.stop(0)
        raise
    context.say("waiting", "load", reason="its last requests, and a look at what they promised")
    counts = generator.stop(_FINISH_S)
    lost = generator.recheck()
    broken = tuple(broken_invariants(context))
    sent.result = TrafficResult(counts, lost, broken)
    _tell(context, sent.result)


def run_load(context: Context, wanted: Traffic, duration_s: float) -> TrafficResult:
    """Send traffic for a time.

    Raises InvalidInput when the system declares none, NotReady when nothing takes it.
    """
    declared = context.system.load
    if declared is None:
        raise InvalidInput(
            "there is no traffic to send",
            why="system.yaml has no section `load`",
            hint="declare its journeys there",
        )
    gateway = context.platform.instance(context.system.gateway, Role.STABLE)
    if gateway.condition is not Condition.READY:
        raise NotReady(
            f"{gateway.component} does not take requests",
            why=gateway.reason,
            hint="`deploytool up` deploys the system, or starts what does not run",
        )
    with traffic(context, replace(wanted, rate=wanted.rate or declared.rate)) as sent:
        until = context.monotonic() + duration_s
        while context.monotonic() < until:
            context.sleep(min(1.0, max(0.0, until - context.monotonic())))
    assert sent.result is not None
    return sent.result


def broken_invariants(context: Context) -> Sequence[str]:
    """Return the declared invariants that do not hold, each with a row that breaks it.

    Waits a while for services to finish what was interrupted; a broken one stays broken.
    """
    until = context.monotonic() + _SETTLE_S
    while True:
        broken = [
            f"{invariant.name} (for example {dict(row)})"
            for invariant in context.system.invariants
            for row in _first_row(context, invariant)
        ]
        if not broken or context.monotonic() > until:
            return broken
        context.sleep(_RETRY_S)


def _first_row(context: Context, invariant: Invariant) -> Sequence[dict[str, object]]:
    return [dict(row) for row in context.platform.query(invariant.query)[:1]]


def _tell(context: Context, result: TrafficResult) -> None:
    is_sound = not (result.lost or result.broken)
    context.emit(
        Event(
            "load-ended",
            result="ok" if is_sound else "failed",
            reason=result.counts.summary(),
            details=result.counts.as_dict(),
        )
    )
    for found, what in (
        (result.lost, "acknowledged things are not there"),
        (result.broken, "invariants of the data are broken"),
    ):
        if found:
            raise CheckFailed(
                f"{len(found)} {what}",
                why="; ".join(found[:_NAMED]),
                hint="`deploytool logs` tells what happened, `deploytool status` what is stable",
            )
