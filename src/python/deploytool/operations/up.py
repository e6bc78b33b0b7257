"""Bring the target to what is declared and built; a second time changes nothing."""

from deploytool.errors import DeployError
from deploytool.operations import migrations, replacement
from deploytool.operations.context import Context
from deploytool.operations.plan import Change, Op, Plan, make_plan
from deploytool.operations.readiness import await_ready, smoke
from deploytool.platforms.base import Condition, Role
from deploytool.record.store import TargetState


def up(context: Context) -> Plan:
    """Deploy everything; return what was done.

    A component that runs already is replaced without losing a request, but without evidence:
    that is what `canary` is for.
    """
    with context.locked() as state:
        require_rest(state)
        return bring_up(context, state)


def bring_up(context: Context, state: TargetState) -> Plan:
    """Do the work of `up` under a lock that is held already."""
    context.platform.prepare()
    plan = make_plan(context, state)
    start_foundation(context)
    if plan.migrates:
        migrations.expand(context)
    for change in plan.changes:
        if change.revision is not None and change.op is not Op.NOOP:
            _apply(context, change)
    _await_all(context)
    if plan.migrates:
        migrations.contract(context)
    return plan


def start_foundation(context: Context) -> None:
    """Start the database and the gateway where they do not run."""
    for name in context.platform.start_foundation(context.deadline_s):
        context.say("started", name)


def _await_all(context: Context) -> None:
    """Wait until all are ready that were only known to serve when those after them began."""
    gateway = context.system.gateway
    # Absent, it is none of the platform's: somebody else runs it.
    if context.platform.instance(gateway, Role.STABLE).condition is Condition.SERVING:
        await_ready(context, gateway, Role.STABLE)
    for name in context.system.start_order():
        await_ready(context, name, Role.STABLE)


def require_rest(state: TargetState) -> None:
    """Raise DeployError when a canary was interrupted and waits for a decision."""
    if (canary := state.canary) is not None:
        raise DeployError(
            f"a canary of {canary.component} is {canary.phase} on this target",
            why=f"run {canary.run} was interrupted or is held ({canary.reason})",
            hint="end it first: `deploytool resume`, `deploytool promote` or `deploytool abort`; "
            "`deploytool canary --supersede` aborts it and starts another",
        )


def _apply(context: Context, change: Change) -> None:
    assert change.revision is not None
    state = context.platform.store.load()
    revision = change.revision
    context.platform.install(revision, context.artifact(revision.component))
    if change.op is Op.UPDATE:
        replacement.replace(context, state.stable[revision.component], revision, change.why)
        return
    with context.timed("deployed", f"{revision.component} {revision.id}", action=change.op):
        context.platform.start(revision, Role.STABLE)
        # Whoever comes after it can begin: that all are ready is waited for at the end.
        await_ready(context, revision.component, Role.STABLE, least=Condition.SERVING)
        smoke(context, revision.component, Role.STABLE, revision.id)
    stable = {**state.stable, revision.component: revision}
    context.platform.store.save(state.model_copy(update={"stable": stable}))
