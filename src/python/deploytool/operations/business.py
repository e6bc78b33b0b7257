"""Business metrics: what a component's own counters say, beside the router's."""

from deploytool.canary.observation import Pair, Snapshot
from deploytool.errors import PlatformFailed
from deploytool.operations.context import Context
from deploytool.platforms.base import Role
from deploytool.system.policy import BusinessMetric
from deploytool.traffic.metrics import read_series

_OK = 200


def with_business(context: Context, component: str, snapshot: Snapshot) -> Snapshot:
    """Add the declared metrics as both instances count them now.

    Where stable does not tell, the metric is left out for both: its events of this poll are not
    judged. Where the canary alone does not, stable's are kept: they show what it should have told.
    """
    stable: dict[str, Pair] = {}
    canary: dict[str, Pair] = {}
    for metric in context.service(component).canary.business:
        # One right after the other: a spike between the readings would look like one arm's.
        read = [_read(context, component, role, metric) for role in (Role.STABLE, Role.CANARY)]
        if read[0] is not None:
            stable[metric.name] = read[0]
            canary |= {} if read[1] is None else {metric.name: read[1]}
    if not stable:
        return snapshot
    return snapshot.model_copy(
        update={
            "stable": snapshot.stable.model_copy(update={"business": stable}),
            "canary": snapshot.canary.model_copy(update={"business": canary}),
        }
    )


def _read(context: Context, component: str, role: Role, metric: BusinessMetric) -> Pair | None:
    try:
        answers = context.platform.request_each(component, role, metric.path)
        if any(answer.status != _OK for answer in answers):
            return None
        texts = [answer.body.decode() for answer in answers]
        return Pair(
            count=sum(read_series(text, metric.count) for text in texts),
            per=sum(read_series(text, metric.per) for text in texts),
        )
    except (PlatformFailed, ValueError):
        return None
