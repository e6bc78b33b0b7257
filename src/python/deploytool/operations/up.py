"""Bring the target to what is declared and built; a second time changes nothing."""

from collections.abc import Callable, Sequence

from deploytool.errors import DeployError
from deploytool.operations import deliveries, migrations, replacement
from deploytool.operations.conclusion import complete
from deploytool.operations.context import Context
from deploytool.operations.load import Traffic
from deploytool.operations.plan import Change, Op, Plan, make_plan
from deploytool.operations.readiness import await_ready, smoke
from deploytool.platforms.base import Condition, Role
from deploytool.programs import within
from deploytool.record.store import TargetState
from deploytool.system.revision import Revision


def up(context: Context) -> Plan:
    """Deploy everything; return what was done.

    A component that runs already is replaced without losing a request, but without evidence:
    that is what `canary` is for.
    """
    with context.locked() as state:
        require_rest(state)
        plan = bring_up(context, state)
        complete(context, Traffic())
        deliveries.arrive(context)
        return plan


def bring_up(context: Context, state: TargetState) -> Plan:
    """Do the work of `up` under a lock that is held already."""
    context.platform.require_distinct_migrations()
    prepare(context)
    plan = make_plan(context, state)
    # Nothing is refused any more for what it was given.
    deliveries.begin(context)
    changes = {each.object: each for each in plan.changes if each.revision is not None}
    # What waits for nobody gets ready while the database does.
    free = [name for name in changes if not context.service(name).after]
    start_foundation(context, lambda: _start(context, [changes[name] for name in free]))
    if plan.migrates:
        migrations.expand(context)
    for group in context.system.start_groups():
        _start(context, [changes[name] for name in group if name not in free])
        _finish(context, [changes[name] for name in group])
    _await_all(context)
    if plan.migrates:
        _contract(context)
    return plan


def prepare(context: Context, *revisions: Revision) -> None:
    """Have at hand all that the release and these revisions are started from; start nothing.

    No visitor is to wait for a registry in the middle of a replacement.
    """
    with within(context.deadline_s):
        context.platform.fetch(revisions)
    context.platform.prepare()


def _contract(context: Context) -> None:
    """Take away what nothing uses any more; a refusal undoes nothing of what came before it."""
    try:
        migrations.contract(context)
    except DeployError as error:
        error.note = error.note or "all that is declared and built runs; nothing of it was undone"
        raise


def start_foundation(context: Context, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Start the database and the gateway where they do not run."""
    for name in context.platform.start_foundation(context.deadline_s, meanwhile):
        context.say("started" if name in context.system.components else "applied", name)


def require_foundation(context: Context) -> None:
    """Start the database and the gateway if one of them does not serve.

    To go back, or to end what was begun, must not hang on what else `up` would change of them.
    """
    database, _ = context.system.database
    found = (context.platform.instance(n, Role.STABLE) for n in (database, context.system.gateway))
    if any(each.condition not in {Condition.SERVING, Condition.READY} for each in found):
        start_foundation(context)


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


def _start(context: Context, group: Sequence[Change]) -> None:
    """Start those services that do not run; do not wait."""
    for change in group:
        if change.op in {Op.CREATE, Op.START}:
            context.platform.install(_revision(change), context.artifact(change.object))
            context.platform.start(_revision(change), Role.STABLE)


def _finish(context: Context, group: Sequence[Change]) -> None:
    """Wait for those that were started, and replace those that run as something else."""
    for change in group:
        if change.op in {Op.CREATE, Op.START}:
            _await_started(context, _revision(change), change.op)
    for change in group:
        if change.op is Op.UPDATE:
            revision = _revision(change)
            context.platform.install(revision, context.artifact(change.object))
            stable = context.platform.store.load().stable[revision.component]
            replacement.replace(context, stable, revision, change.why)


def _revision(change: Change) -> Revision:
    assert change.revision is not None
    return change.revision


def _await_started(context: Context, revision: Revision, op: Op) -> None:
    component = revision.component
    with context.timed("deployed", f"{component} {revision.id}", action=op):
        # Whoever comes after it can begin: that all are ready is waited for at the end.
        await_ready(context, component, Role.STABLE, least=Condition.SERVING)
        smoke(context, component, Role.STABLE, revision.id)
    state = context.platform.store.load()
    stable = {**state.stable, component: revision}
    context.platform.store.save(state.model_copy(update={"stable": stable}))
