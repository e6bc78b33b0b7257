"""What `up` would do: computed, shown, then carried out unchanged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from deploytool.operations.context import Context
from deploytool.operations.deliveries import runs_other_image
from deploytool.operations.migrations import older_instances
from deploytool.platforms.base import Condition, MigrationKind, Role
from deploytool.record.store import TargetState
from deploytool.system.revision import Revision


class Op(StrEnum):
    """What happens to an object."""

    CREATE = "create"
    UPDATE = "update"
    START = "start"  # as it should be, but not running
    APPLY = "apply"  # part of what stands for all revisions
    MIGRATE = "migrate"
    NOOP = "noop"


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one object, and why; revision is what it will be, where it has one."""

    op: Op
    object: str
    why: str
    revision: Revision | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """All changes, in the order in which they take effect, unchanged objects included.

    What waits for the database by itself is started before the migrations, and serves after them.
    """

    changes: tuple[Change, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return all(change.op is Op.NOOP for change in self.changes)

    @property
    def migrates(self) -> bool:
        """Whether a migration is pending."""
        return any(change.op is Op.MIGRATE for change in self.changes)

    def counts(self) -> dict[str, int]:
        """Return how many objects meet each op, zeros included."""
        return {str(op): sum(change.op is op for change in self.changes) for op in Op}


def make_plan(context: Context, state: TargetState) -> Plan:
    """Compare what is declared and built with what the target runs; touch nothing.

    Raises InvalidInput for what cannot be carried out.
    """
    context.platform.require_distinct_migrations()
    return Plan(tuple(_changes(context, state)))


def _changes(context: Context, state: TargetState) -> Iterator[Change]:
    foundation = context.platform.foundation_changes()
    database, _ = context.system.database
    for name in (database, context.system.gateway):
        if name in foundation:
            yield Change(Op.START, name, foundation[name])
        else:
            yield Change(Op.NOOP, name, "running as declared")
    for name, why in foundation.items():
        if name not in context.system.components:
            yield Change(Op.APPLY, name, why)
    yield from _migrations(
        context, "expand", "not applied yet", is_asked=database not in foundation
    )
    services = [_service_change(context, state, name) for name in context.system.start_order()]
    yield from services
    why = _when_nothing_older_runs(context, state, services)
    yield from _migrations(context, "contract", why, is_asked=database not in foundation)


def _migrations(
    context: Context, kind: MigrationKind, why: str, *, is_asked: bool
) -> Iterator[Change]:
    """Yield the pending ones; a database that does not run cannot be asked which these are."""
    if not is_asked:
        yield Change(Op.MIGRATE, f"{kind} migrations", "those that it lacks, once it runs")
        return
    for name in context.platform.pending_migrations(kind):
        yield Change(Op.MIGRATE, name, f"{kind}: {why}")


def _when_nothing_older_runs(
    context: Context, state: TargetState, services: Sequence[Change]
) -> str:
    """Say what contract migrations wait for, in `up` and after the promotion of a canary."""
    replaced = [change.object for change in services if change.op in {Op.CREATE, Op.UPDATE}]
    if replaced:
        run = "run" if len(replaced) > 1 else "runs"
        return f"once {' and '.join(replaced)} {run} what is built, and nothing older does"
    older = list(older_instances(state, context.platform.instances()))
    return f"waits, as {', '.join(older)}" if older else "nothing older runs"


def _service_change(context: Context, state: TargetState, name: str) -> Change:
    wanted = context.built(name)
    stable = state.stable.get(name)
    if stable is None:
        return Change(Op.CREATE, name, "never deployed here", wanted)
    if stable.id != wanted.id:
        return Change(Op.UPDATE, name, _difference(stable, wanted), wanted)
    if runs_other_image(context, stable):
        return Change(Op.UPDATE, name, f"{stable.id} runs another image than the release's", wanted)
    instance = context.platform.instance(name, Role.STABLE)
    if instance.condition is Condition.ABSENT:
        return Change(Op.START, name, "deployed, but not running", wanted)
    return Change(Op.NOOP, name, f"{wanted.id} is stable and {instance.condition}", wanted)


def _difference(stable: Revision, wanted: Revision) -> str:
    names = {
        name
        for name in {*stable.environment, *wanted.environment}
        if stable.environment.get(name) != wanted.environment.get(name)
    }
    parts = ["its artifact"] if stable.artifact != wanted.artifact else []
    parts += [f"setting {name}" for name in sorted(names)]
    return f"{' and '.join(parts)} changed: {stable.id} -> {wanted.id}"
