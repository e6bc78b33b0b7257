"""See that what is deployed is what was meant, and that it works: nothing is changed."""

from collections.abc import Iterator

from deploytool.errors import DeployError, InvalidInput
from deploytool.operations.check import Check
from deploytool.operations.context import Context
from deploytool.operations.flows import flow_checks
from deploytool.operations.indexes import half_built
from deploytool.operations.readiness import reported_revision
from deploytool.platforms.base import Condition, Instance
from deploytool.record.event import Event
from deploytool.record.store import TargetState

# What refuses packets learns of a pod that has just started within this time.
_LEARNT_S = 3.0


def verify(context: Context) -> tuple[Check, ...]:
    """Look at everything; a failed check does not end the others."""
    state = context.platform.store.load()
    checks = []
    for check in _checks(context, state):
        told = Event("check", check.object, check.statement, check.result, check.found)
        context.emit(told)
        checks.append(check)
    return tuple(checks)


def _checks(context: Context, state: TargetState) -> Iterator[Check]:
    instances = context.platform.instances()
    if all(instance.condition is Condition.ABSENT for instance in instances):
        yield Check(context.target, "something is deployed", is_true=False, found="nothing is")
        return
    yield from (_readiness(instance) for instance in instances)
    yield from _database(context)
    for name in context.system.services:
        yield _revision(context, state, name)
    yield from _flows(context)
    for invariant in context.system.invariants:
        yield _attempt(context, invariant.name, invariant.query)


def _readiness(instance: Instance) -> Check:
    is_ready = instance.condition is Condition.READY
    found = instance.reason or f"{instance.condition} at {instance.address}"
    return Check(f"{instance.component} {instance.role}", "is ready", is_ready, found)


def _database(context: Context) -> Iterator[Check]:
    name, database = context.system.database
    try:
        databases = _names(context, "SELECT datname FROM pg_database WHERE NOT datistemplate")
        schemas = _names(
            context, "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)'"
        )
        found = f"databases {databases}; {database.database} has the schemas {schemas}"
        yield Check(name, "answers a query", True, found)
        yield from _migration_files(context, name)
        pending = context.platform.pending_migrations("expand")
        found = f"pending: {', '.join(pending)}" if pending else "none is pending"
        yield Check(name, "has every expand migration", not pending, found)
        pending = context.platform.pending_migrations("contract")
        # No failure: they wait until nothing runs that may use what they take away.
        found = f"pending, as `plan` explains: {', '.join(pending)}" if pending else found
        yield Check(name, "has every contract migration", None if pending else True, found)
        halves = half_built(context)
        found = "; ".join(f"{each}: {each.remedy}" for each in halves) or "all are whole"
        yield Check(name, "has no half-built index", not halves, found)
    except DeployError as error:
        yield Check(name, "answers a query", False, f"{error.what}: {error.why}")


def _migration_files(context: Context, name: str) -> Iterator[Check]:
    try:
        context.platform.require_distinct_migrations()
    except InvalidInput as error:
        yield Check(name, "can tell all migrations apart", False, f"{error.what}: {error.why}")


def _names(context: Context, query: str) -> str:
    """Return the one column of a query, in order."""
    return ", ".join(sorted(str(*row.values()) for row in context.platform.query(query)))


def _revision(context: Context, state: TargetState, name: str) -> Check:
    """Ask who answers; the revision of a canary under way is as right as stable's."""
    service = context.service(name)
    expected = {state.stable[name].id} if name in state.stable else set()
    if state.canary is not None and state.canary.component == name:
        expected.add(state.canary.canary.id)
    statement = "answers through the gateway with its revision"
    try:
        answer = context.platform.request_through_gateway(service.route + service.health.version)
    except DeployError as error:
        return Check(name, statement, False, f"{error.what}: {error.why}")
    revision = reported_revision(answer.body)
    found = f"HTTP {answer.status}, revision {revision or 'none'}"
    return Check(name, statement, revision in expected, found)


def _flows(context: Context) -> Iterator[Check]:
    """Try who reaches whom, a second time if something is not as it is declared."""
    if context.system.flows is None:
        return
    checks = _tried_flows(context)
    if any(check.is_true is False for check in checks):
        context.sleep(_LEARNT_S)
        checks = _tried_flows(context)
    yield from checks


def _tried_flows(context: Context) -> list[Check]:
    try:
        connections = context.platform.connections()
    except DeployError as error:
        return [Check("flows", "can be tried", False, f"{error.what}: {error.why}")]
    return list(flow_checks(context.system, connections)) if connections else []


def _attempt(context: Context, name: str, query: str) -> Check:
    try:
        rows = context.platform.query(query)
    except DeployError as error:
        return Check("data", name, False, f"{error.what}: {error.why}")
    if not rows:
        return Check("data", name, is_true=True, found="no row breaks it")
    found = f"{len(rows)} rows break it, for example {dict(rows[0])}"
    return Check("data", name, is_true=False, found=found)
