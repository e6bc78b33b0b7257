"""Traffic on demand: beside a canary where there are no visitors, or by itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from deploytool.errors import CheckFailed, DeployError, InvalidInput, NotReady, RecordFailed
from deploytool.operations.context import Context
from deploytool.operations.invariants import Broken, Known, broken_invariants, known_rows
from deploytool.platforms.base import Condition, Role
from deploytool.record.event import Event
from deploytool.traffic.load.counts import LoadCounts
from deploytool.traffic.load.generator import RECHECK_S, LoadGenerator
from deploytool.traffic.load.recheck import Rechecked

# Requests under way when the load ends get this long; then the data is looked at.
_FINISH_S = 15.0
_INTERRUPTED = "it was interrupted"
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
    """The counts of the traffic, and the findings about the data after it.

    lost: promises that are not kept; unknown: those that could not be asked for. broken: invariants
    that rows break since the traffic began, or the canary beside it; broken_before: those that the
    same rows broke before. not_seen: why one could not look at all of it; "" where that is no
    matter.
    """

    counts: LoadCounts
    lost: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    broken_before: tuple[str, ...] = ()
    not_seen: str = ""

    @property
    def not_asked(self) -> str:
        """How many promises could not be asked for, and one of them; "" when all could."""
        if not self.unknown:
            return ""
        count = f"could not be asked within {RECHECK_S:.0f} s: {len(self.unknown)}"
        return f"{count} (for example {self.unknown[0]})"

    @property
    def failure(self) -> CheckFailed | None:
        """The failure that the traffic left in the data; None when there is none."""
        parts = []
        if self.lost:
            parts.append(f"{len(self.lost)} acknowledged things are not there")
        if self.broken:
            invariants = "invariant" if len(self.broken) == 1 else "invariants"
            parts.append(f"{len(self.broken)} {invariants} of the data broken")
        if not parts:
            return None
        before = f"broken before it began: {'; '.join(self.broken_before[:_NAMED])}"
        return CheckFailed(
            " and ".join(parts),
            why="; ".join((*self.lost[:_NAMED], *self.broken[:_NAMED])),
            note=before if self.broken_before else "",
            hint="`deploytool logs` tells what happened, `deploytool status` what is stable",
        )


@dataclass(slots=True)
class SentTraffic:
    """Filled in when the traffic has ended; the result stays None when none was wanted.

    counts: of the traffic up to now, while it is sent; None when none was wanted. failures: what
    went wrong with it, or is wrong with the data: what was done meanwhile stands.
    """

    counts: Callable[[], LoadCounts] | None = None
    result: TrafficResult | None = None
    failures: list[DeployError] = field(default_factory=list)


def is_sent(context: Context, wanted: Traffic) -> bool:
    """Tell whether traffic goes along: where there are no visitors, or when it is asked for."""
    is_wanted = wanted.is_wanted and (wanted.rate is not None or not context.has_visitors)
    return is_wanted and context.system.load is not None


@contextmanager
def traffic(context: Context, wanted: Traffic, known: Known) -> Iterator[SentTraffic]:
    """Send traffic while the block runs; afterwards see that nothing acknowledged was lost.

    known: what broke the invariants before. What is found is told and returned, never raised: how
    the block ended does not depend on it.
    """
    sent = SentTraffic()
    declared = context.system.load
    if declared is None or not is_sent(context, wanted):
        yield sent
        return
    rate = wanted.rate or declared.rate
    generator = LoadGenerator(context.platform.gateway_url(), declared, rate, wanted.seed)
    generator.start()
    try:
        reason = f"{rate:g} requests a second"
        context.emit(Event("load-started", reason=reason, view=generator))
        sent.counts = generator.snapshot
        yield sent
    except BaseException:
        generator.stop(0)
        raise
    try:
        sent.result = _seen(context, generator, known)
    except RecordFailed as error:
        generator.stop(0)
        sent.failures.append(error)
        return
    except Exception as fault:  # of the generator's own: it says nothing of the block
        broke_down = DeployError(
            "the traffic broke down", why=f"{type(fault).__name__}: {fault}",
            hint="what was done meanwhile stands; `deploytool verify` looks at the data",
        )  # fmt: skip
        context.say("load-ended", result="failed", reason=f"{broke_down.what}: {broke_down.why}")
        sent.failures.append(broke_down)
        return
    if failure := sent.result.failure:
        sent.failures.append(failure)


def run_load(context: Context, wanted: Traffic, duration_s: float) -> TrafficResult:
    """Send traffic for a time.

    Raises InvalidInput when the system declares none, NotReady when nothing takes it, DeployError
    when the traffic broke down.
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
    wanted = replace(wanted, rate=wanted.rate or declared.rate)
    with traffic(context, wanted, known_rows(context)) as sent:
        until = context.monotonic() + duration_s
        while context.monotonic() < until:
            context.sleep(min(1.0, max(0.0, until - context.monotonic())))
    if sent.result is None:
        raise sent.failures[0]
    return sent.result


def _seen(context: Context, generator: LoadGenerator, known: Known) -> TrafficResult:
    """End the traffic, look at the data, and tell what was found.

    Ctrl-C ends the look at the data, and the rest is told.
    """
    context.say("waiting", "load", reason="its last requests, and a look at what they promised")
    not_seen = ""
    try:
        counts = generator.stop(_FINISH_S)
    except KeyboardInterrupt:
        counts, not_seen = generator.snapshot(), _INTERRUPTED
    context.emit(
        Event("load-ended", result="ok", reason=counts.summary(), details=counts.as_dict())
    )
    promises = Rechecked()
    broken = Broken()
    try:
        if not not_seen:
            promises = generator.recheck()
            broken = broken_invariants(context, known)
    except DeployError as error:
        not_seen = f"{error.what}: {error.why}"
    except KeyboardInterrupt:
        not_seen = _INTERRUPTED
    result = TrafficResult(
        counts, promises.lost, promises.unknown, broken.since, broken.before, not_seen
    )
    _tell(context, result)
    return result


def _tell(context: Context, result: TrafficResult) -> None:
    failure = result.failure
    if failure is not None:
        reason = f"{failure.what}: {failure.why}"
        context.emit(Event("check", object="data", result="failed", reason=reason))
    if result.unknown:
        context.say("note", "data", reason=result.not_asked)
    if result.not_seen:
        context.say("note", "data", reason=f"not looked at to the end: {result.not_seen}")
    if result.broken_before:
        reason = f"broken before it began: {'; '.join(result.broken_before)}"
        context.say("note", "data", reason=reason)
