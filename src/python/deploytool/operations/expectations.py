"""Whether answers were as expected: what the traffic of the tool's own knows beside the router."""

from contextlib import suppress

from deploytool.canary.machine import Canary
from deploytool.canary.observation import ArmCounters, Pair, Snapshot
from deploytool.operations.context import Context
from deploytool.traffic.load.counts import LoadCounts


def with_expectations(context: Context, canary: Canary, snapshot: Snapshot) -> Snapshot:
    """Add how many answers of each version were as expected until now, and how many were not.

    They are left out where nobody can tell: the tool makes no traffic, answers name no revision, or
    both versions are the same.
    """
    declared = context.system.load
    is_told = declared is not None and declared.revision_header is not None
    if context.sent is None or not is_told or canary.stable.id == canary.canary.id:
        return snapshot
    # Traffic that broke down says so when the operation ends it.
    with suppress(Exception):
        counts = context.sent()
        arms = {
            "stable": _with(snapshot.stable, canary.stable.id, counts),
            "canary": _with(snapshot.canary, canary.canary.id, counts),
        }
        return snapshot.model_copy(update=arms)
    return snapshot


def _with(arm: ArmCounters, revision: str, counts: LoadCounts) -> ArmCounters:
    right, wrong = counts.right_answers(revision), counts.wrong_answers(revision)
    return arm.model_copy(update={"expected": Pair(count=right, per=wrong)})
