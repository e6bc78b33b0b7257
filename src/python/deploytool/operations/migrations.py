"""Database migrations around a replacement: expand before it, contract after it.

An expand migration only adds: every revision can live with it, so it stays when a canary is taken
back. A contract migration takes away what the current build no longer uses: it waits until nothing
else runs, and the revisions before it are cut off, as they may still use what is gone.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress

from deploytool.canary.machine import Canary
from deploytool.errors import DeployError, MigrationFailed
from deploytool.operations.context import Context
from deploytool.operations.indexes import half_built
from deploytool.platforms.base import Condition, Instance, MigrationKind
from deploytool.record.store import TargetState
from deploytool.system.revision import Revision


def expand(context: Context) -> None:
    """Apply the pending expand migrations."""
    _apply(context, "expand")


def contract(context: Context, promoted: Canary | None = None) -> None:
    """Apply the pending contract migrations, or tell what they wait for.

    promoted: the canary after which they may run; None after `up`, which deploys the whole build.
    """
    pending = context.platform.pending_migrations("contract")
    if not pending:
        return
    state = context.platform.store.load()
    reasons = [
        *older_instances(state, context.platform.instances()),
        *(_missed(promoted, pending) if promoted else ()),
    ]
    if reasons:
        what = "it waits" if len(pending) == 1 else "they wait"
        context.say(
            "note",
            ", ".join(pending),
            reason=f"{what}, as {', '.join(reasons)}; `deploytool up` or the next promotion of all "
            "that is built runs contract migrations",
        )
        return
    # The intent first: killed in between, one cuts off nothing only while it is still pending.
    context.platform.store.save(state.with_cut_off(pending))
    try:
        _apply(context, "contract")
    except MigrationFailed:
        # Corrected, the file may get another name: then nothing would tell it was never applied.
        refused = context.platform.pending_migrations("contract")
        state = context.platform.store.load()
        context.platform.store.save(state.without_cut_off(refused))
        raise


def older_instances(state: TargetState, instances: Sequence[Instance]) -> Iterator[str]:
    """Yield a clause for each instance that runs another revision than its component's stable."""
    for instance in instances:
        # Neither the database nor the gateway has a revision.
        if not instance.revision or instance.condition is Condition.ABSENT:
            continue
        stable = state.stable.get(instance.component)
        if stable is None or stable.id != instance.revision:
            yield (
                f"{instance.component} {instance.role} runs {instance.revision}, "
                f"not the stable {stable.id if stable else 'one'}"
            )


def outdated(context: Context, state: TargetState, canary: Revision) -> tuple[str, ...]:
    """Return the components that would still not run what is built once the canary is stable."""
    stable = {**state.stable, canary.component: canary}
    return tuple(
        name for name in context.system.services if context.built(name).id != stable[name].id
    )


def cut_off(context: Context, state: TargetState) -> dict[str, tuple[str, ...]]:
    """Return revision id -> the contract migrations after which it can no longer run.

    Those that the database has, whatever was intended.
    """
    if not state.cut_off:
        return {}
    pending = context.platform.pending_migrations("contract")
    return state.without_cut_off(pending).migrations_past()


def _missed(promoted: Canary, pending: Sequence[str]) -> Iterator[str]:
    """Yield a clause for each thing that the pending migrations count on and that is not so."""
    for name in promoted.outdated:
        yield f"{name} does not run what is built"
    for name in pending:
        if name not in promoted.contracts:
            yield f"{name} is newer than the canary"


def _apply(context: Context, kind: MigrationKind) -> None:
    try:
        applied = context.platform.migrate(
            kind, context.deadline_s, lambda name, why: context.say("waiting", name, reason=why)
        )
    except MigrationFailed as error:
        # An ended migration may have left a half-built index, and the next try passes it over.
        with suppress(DeployError):
            halves = [f"{each}: {each.remedy}" for each in half_built(context)]
            error.note = "; ".join([error.note, *halves])
        raise
    for name in applied:
        context.say("migrated", name, result=kind)
    if applied and (found := half_built(context)):
        raise MigrationFailed(
            f"after the {kind} migration {applied[-1]} not every index is whole",
            why="; ".join(map(str, found)),
            note="the migrations are applied; every service runs on as it did",
            hint=found[0].remedy,
        )
