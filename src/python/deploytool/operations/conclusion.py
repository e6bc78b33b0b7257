"""The end of a canary, after its decision: contract migrations, a look at the data, the arrival.

A promotion counts for its release once all of that has ended well. The operation may be killed
before: the state knows what is left, and the next one does it.
"""

from contextlib import suppress
from dataclasses import dataclass, replace

from deploytool.canary.machine import Canary, Phase
from deploytool.errors import DeployError, ExitCode
from deploytool.operations import deliveries, migrations, replacement
from deploytool.operations.callers import affected_callers
from deploytool.operations.context import Context
from deploytool.operations.load import SentTraffic, Traffic, TrafficResult, traffic


@dataclass(frozen=True, slots=True)
class CanaryResult:
    """How a canary ended.

    callers: a sentence on each service that gave wrong answers meanwhile and calls this component.
    failures: what went wrong afterwards, or is wrong with the data. They change nothing in how it
    ended.
    """

    canary: Canary
    traffic: TrafficResult | None = None
    callers: tuple[str, ...] = ()
    failures: tuple[DeployError, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 promoted, 4 rolled back on evidence, 5 undecided, 1 taken back for another reason.

        Also 1 when something failed after the promotion.
        """
        if self.canary.phase is Phase.PROMOTED:
            return ExitCode.FAILED if self.failures else ExitCode.DONE
        if self.canary.phase is Phase.HELD or self.canary.is_undecided:
            return ExitCode.HELD
        return ExitCode.ROLLED_BACK if self.canary.is_judged_bad else ExitCode.FAILED

    @property
    def reason(self) -> str:
        """The decision with its reason, and the failures after it."""
        failures = [f"afterwards: {self.afterwards}"] if self.failures else []
        return "; ".join((self.canary.decision, *failures))

    @property
    def afterwards(self) -> str:
        """The failures after the decision, "" without."""
        return "; ".join(f"{failure.what}: {failure.why}" for failure in self.failures)


def judged(context: Context, canary: Canary, wanted: Traffic) -> CanaryResult:
    """Carry a canary on to its end, with the traffic that is wanted beside it."""
    with traffic(context, wanted, canary.broken_before) as sent:
        ended = replacement.carry_on(replace(context, sent=sent.counts), canary)
        failures = finish(context, ended)
    return _ended(context, ended, sent, failures)


def complete(context: Context, wanted: Traffic) -> CanaryResult | None:
    """Do what is left of a promotion whose operation was killed; None where nothing is left.

    Under the lock, on a target that serves.
    """
    left = context.platform.store.load().concluding
    if left is None:
        return None
    subject = f"{left.component} {left.canary.id}"
    context.say("note", subject, reason=f"what run {left.run} left undone after its promotion")
    with traffic(context, wanted, left.broken_before) as sent:
        failures = finish(context, left)
    return _ended(context, left, sent, failures)


def conclude(context: Context, result: CanaryResult) -> CanaryResult:
    """Return the result as it is; what a promotion has come to is kept.

    The release may have arrived with it. Raises RecordFailed when that cannot be kept; a failure
    is told before anything else.
    """
    ended = result.canary
    if ended.phase is not Phase.PROMOTED:
        return result
    if result.exit_code == ExitCode.DONE:
        deliveries.arrive(context, ended.component)
        return result
    # Where it cannot be kept, the next operation finds out anew.
    with suppress(DeployError):
        store = context.platform.store
        store.save(store.load().with_conclusion(ended.component, result.afterwards))
    return result


def finish(context: Context, ended: Canary) -> tuple[DeployError, ...]:
    """Do what only a promotion allows: contract migrations, once nothing older runs.

    Returns what went wrong with that: the promotion stands.
    """
    if ended.phase is not Phase.PROMOTED:
        return ()
    try:
        migrations.contract(context, ended)
    except DeployError as error:
        error.note = error.note or f"{ended.component} {ended.canary.id} is stable all the same"
        return (error,)
    return ()


def _ended(
    context: Context, ended: Canary, sent: SentTraffic, failures: tuple[DeployError, ...]
) -> CanaryResult:
    callers: tuple[str, ...] = ()
    try:
        callers = _tell_callers(context, ended, sent)
    except DeployError as error:
        failures = (*failures, error)
    failures = (*failures, *_about(ended, sent))
    return conclude(context, CanaryResult(ended, sent.result, callers, failures))


def _tell_callers(context: Context, ended: Canary, sent: SentTraffic) -> tuple[str, ...]:
    """Name those that call the component and gave wrong answers while there was a canary of it."""
    if sent.result is None:
        return ()
    stable = context.platform.store.load().stable
    callers = affected_callers(context.system, stable, ended.component, sent.result.counts)
    for sentence in callers:
        context.say("note", ended.component, reason=sentence)
    return callers


def _about(ended: Canary, sent: SentTraffic) -> list[DeployError]:
    """Return what is wrong with the traffic or the data, with the way back from a promotion."""
    if ended.phase is Phase.PROMOTED:
        for failure in sent.failures:
            failure.hint = (
                f"`deploytool rollback {ended.component}` goes back to {ended.stable.id}; "
                "`deploytool logs` tells what happened"
            )
    return sent.failures
