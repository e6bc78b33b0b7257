"""The main job: replace a running revision on evidence, under real traffic."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from deploytool.canary.machine import Canary
from deploytool.operations import deliveries, migrations, replacement
from deploytool.operations.conclusion import CanaryResult, complete, judged
from deploytool.operations.context import Context
from deploytool.operations.invariants import known_rows
from deploytool.operations.load import Traffic, is_sent
from deploytool.operations.readiness import await_ready
from deploytool.operations.up import bring_up, prepare, require_rest, start_foundation
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


def canary(context: Context, options: CanaryOptions) -> CanaryResult:
    """Canary one component's current build against its stable revision."""
    with begun(context, options) as started:
        return judged(context, started, options.traffic)


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
    if complete(context, Traffic()) is not None:
        state = context.platform.store.load()
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
        prepare(context, *(state.stable[name] for name in context.system.services))
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
