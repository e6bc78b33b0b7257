"""The main job: replace a running revision on evidence, under real traffic."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from deploytool.canary.machine import Canary, Phase
from deploytool.errors import DeployError, ExitCode
from deploytool.operations import deliveries, migrations, replacement
from deploytool.operations.callers import affected_callers
from deploytool.operations.context import Context
from deploytool.operations.invariants import known_rows
from deploytool.operations.load import SentTraffic, Traffic, TrafficResult, is_sent, traffic
from deploytool.operations.readiness import await_ready
from deploytool.operations.up import bring_up, require_rest, start_foundation
from deploytool.operations.view import CanaryView
from deploytool.platforms.base import Role
from deploytool.record.event import Event
from deploytool.record.store import TargetState
from deploytool.system.revision import differences


@dataclass(frozen=True, slots=True)
class CanaryOptions:
    """What the person asked for; None means what system.yaml says."""

    component: str | None = None
    environment: Mapping[str, str] | None = None
    steps: tuple[int, ...] | None = None
    traffic: Traffic = field(default_factory=Traffic)
    is_held_at_end: bool = False


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
        afterwards = (f"afterwards: {failure.what}: {failure.why}" for failure in self.failures)
        return "; ".join((self.canary.decision, *afterwards))


def canary(context: Context, options: CanaryOptions) -> CanaryResult:
    """Canary one component's current build against its stable revision."""
    with begun(context, options) as started:
        return judged(context, started, options.traffic)


def judged(context: Context, canary: Canary, wanted: Traffic) -> CanaryResult:
    """Carry a canary on to its end, with the traffic that is wanted beside it."""
    with traffic(context, wanted, canary.broken_before) as sent:
        ended = replacement.carry_on(replace(context, sent=sent.counts), canary)
        failures = finish(context, ended)
    callers: tuple[str, ...] = ()
    try:
        callers = _tell_callers(context, ended, sent)
    except DeployError as error:
        failures = (*failures, error)
    failures = (*failures, *_about(ended, sent))
    return concluded(context, CanaryResult(ended, sent.result, callers, failures))


def concluded(context: Context, result: CanaryResult) -> CanaryResult:
    """Return the result as it is; after a promotion the release may have arrived with it."""
    if result.exit_code == ExitCode.DONE:
        deliveries.arrive(context)
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


@contextmanager
def begun(context: Context, options: CanaryOptions) -> Iterator[Canary]:
    """Hold the lock; yield a canary, saved, for which everything is there to be carried on.

    Raises Locked or DeployError while there is another canary, of whatever component.
    """
    if options.component:
        context.service(options.component)
    with context.locked() as found:
        require_rest(found)
        yield _begin(context, options, found)


def _begin(context: Context, options: CanaryOptions, found: TargetState) -> Canary:
    context.platform.require_distinct_migrations()
    state = _stable_first(context, found)
    component = options.component or _changed(context, state)
    stable = state.stable[component]
    revision = context.built(component, options.environment)
    deliveries.begin(context)
    contracts = tuple(context.platform.pending_migrations("contract"))
    started = Canary(
        run=context.run,
        component=component,
        stable=stable,
        canary=revision,
        steps=options.steps or context.service(component).canary.steps,
        since=context.now(),
        is_held_at_end=options.is_held_at_end,
        outdated=migrations.outdated(context, state, revision) if contracts else (),
        contracts=contracts,
    )
    _tell_start(context, started)
    context.platform.install(revision, context.artifact(component))
    migrations.expand(context)
    if is_sent(context, options.traffic):
        started = started.model_copy(update={"broken_before": known_rows(context)})
    replacement.save(context, started)
    return started


def _stable_first(context: Context, state: TargetState) -> TargetState:
    """Bring up what a canary needs beside it: all of the system when nothing was deployed yet."""
    if all(name in state.stable for name in context.system.services):
        context.platform.prepare()
        start_foundation(context)
        for name in context.system.start_order():
            context.platform.start(state.stable[name], Role.STABLE)
            await_ready(context, name, Role.STABLE)
        return state
    missing = [name for name in context.system.services if name not in state.stable]
    context.say(
        "note",
        ", ".join(missing),
        reason="never deployed here: the current build is deployed as stable first, "
        "then a canary of the same build is judged against it",
    )
    bring_up(context, state)
    return context.platform.store.load()


def _changed(context: Context, state: TargetState) -> str:
    """Choose the component whose build differs from stable; the first of all when none does."""
    order = context.system.start_order()
    changed = [
        name
        for name in order
        if context.built(name).id != state.stable[name].id
        or deliveries.runs_other_image(context, state.stable[name])
    ]
    if len(changed) > 1:
        reason = f"{', '.join(changed)} changed: {changed[0]} goes first, one canary at a time"
        context.say("note", changed[0], reason=reason)
    return changed[0] if changed else order[0]


def _tell_start(context: Context, canary: Canary) -> None:
    differs = differences(canary.stable, canary.canary)
    same = "the same revision as stable"
    if deliveries.runs_other_image(context, canary.stable):
        same = f"{same}, from another image"
    context.emit(
        Event(
            "canary-started",
            object=f"{canary.component} {canary.canary.id}",
            reason=f"{same}: judged against itself"
            if canary.stable.id == canary.canary.id
            else f"against stable {canary.stable.id}; differs in: {', '.join(differs)}",
            details={
                "canary_run": canary.run,
                "component": canary.component,
                "stable": canary.stable.id,
                "canary": canary.canary.id,
                "steps": list(canary.steps),
                "is_held_at_end": canary.is_held_at_end,
                "differs": [*differs],
            },
            view=CanaryView.of(canary, context.now()),
        )
    )
