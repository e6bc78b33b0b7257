"""The main job: replace a running revision on evidence, under real traffic."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from deploytool.canary.machine import Canary, Phase
from deploytool.errors import ExitCode, Locked
from deploytool.operations import migrations, replacement
from deploytool.operations.context import Context
from deploytool.operations.load import Traffic, TrafficResult, traffic
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
    """How a canary ended."""

    canary: Canary
    traffic: TrafficResult | None

    @property
    def exit_code(self) -> int:
        """0 promoted, 4 rolled back on evidence, 5 undecided, 1 taken back for another reason."""
        if self.canary.phase is Phase.PROMOTED:
            return ExitCode.DONE
        if self.canary.phase is Phase.HELD or self.canary.is_undecided:
            return ExitCode.HELD
        return ExitCode.ROLLED_BACK if self.canary.is_judged_bad else ExitCode.FAILED


def canary(context: Context, options: CanaryOptions) -> CanaryResult:
    """Canary one component's current build against its stable revision."""
    with begun(context, options) as started, traffic(context, options.traffic) as sent:
        ended = replacement.carry_on(context, started)
        finish(context, ended)
    return CanaryResult(ended, sent.result)


@contextmanager
def begun(context: Context, options: CanaryOptions) -> Iterator[Canary]:
    """Hold the lock; yield a canary, saved, for which everything is there to be carried on.

    Raises Locked or DeployError while there is another canary, of whatever component.
    """
    if options.component:
        context.service(options.component)
    with ExitStack() as stack:
        try:
            found = stack.enter_context(context.locked())
        except Locked as locked:
            if context.platform.store.load().canary is not None:
                locked.hint = (
                    "wait for it to end, or end its canary first: `deploytool canary --supersede`"
                )
            raise
        require_rest(found)
        yield _begin(context, options, found)


def _begin(context: Context, options: CanaryOptions, found: TargetState) -> Canary:
    state = _stable_first(context, found)
    component = options.component or _changed(context, state)
    stable = state.stable[component]
    revision = context.built(component, options.environment)
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
    replacement.save(context, started)
    return started


def finish(context: Context, ended: Canary) -> None:
    """Do what only a promotion allows: contract migrations, once nothing older runs."""
    if ended.phase is Phase.PROMOTED:
        migrations.contract(context, ended)


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
    changed = [name for name in order if context.built(name).id != state.stable[name].id]
    if len(changed) > 1:
        reason = f"{', '.join(changed)} changed: {changed[0]} goes first, one canary at a time"
        context.say("note", changed[0], reason=reason)
    return changed[0] if changed else order[0]


def _tell_start(context: Context, canary: Canary) -> None:
    differs = differences(canary.stable, canary.canary)
    context.emit(
        Event(
            "canary-started",
            object=f"{canary.component} {canary.canary.id}",
            reason="the same revision as stable: judged against itself"
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
