"""The status of a target as text."""

from deploytool.canary.machine import Phase
from deploytool.cli.render.text import labelled, table
from deploytool.operations.status import Status
from deploytool.platforms.base import Instance, Role

_MINUTE_S = 60
_HOUR_S = 3600


def status_as_text(status: Status, width: int) -> str:
    """Return the status as text: what runs, earlier revisions, and what is under way.

    width: of the terminal; it breaks the table and the lines about a canary.
    """
    if status.is_empty:
        return f"nothing is deployed on {status.target}: `deploytool up` deploys"
    header = ("component", "role", "revision", "weight", "state", "address")
    rows = [_row(status, instance) for instance in status.instances]
    lines = [table(header, rows, width), *_reasons(status), "open:", labelled(status.addresses)]
    lines += [f"{name} {why}" for name, why in status.drift.items()]
    lines += _ways_back(status)
    if status.unseen:
        lines.append(status.unseen)
    return "\n".join([*lines, *_under_way(status, width)])


def _row(status: Status, instance: Instance) -> tuple[str, ...]:
    canary_weight = status.weights.get(instance.component, 0)
    weight = canary_weight if instance.role is Role.CANARY else 100 - canary_weight
    return (
        instance.component,
        str(instance.role),
        instance.revision or "-",
        f"{weight} %" if instance.revision else "-",
        f"{instance.condition}{_restarts(instance.restarts)}",
        instance.address,
    )


def _restarts(number: int) -> str:
    return f", {number} restart{'s' if number > 1 else ''}" if number else ""


def _reasons(status: Status) -> list[str]:
    return [
        f"{instance.component} {instance.role}: {instance.reason}"
        for instance in status.instances
        if instance.reason
    ]


def _ways_back(status: Status) -> list[str]:
    lines = []
    for component, revisions in status.earlier.items():
        ids = [revision.id for revision in revisions]
        possible = [each for each in ids if each not in status.cut_off]
        if unasked := [each for each in possible if each not in status.doubted]:
            lines.append(f"{component} can go back to {', '.join(unasked)}")
        lines += [
            f"{component} goes back to {each} only by --to: {status.doubted[each]}"
            for each in possible
            if each in status.doubted
        ]
        lines += [
            f"{component} cannot go back to {each}: contract migration "
            f"{', '.join(status.cut_off[each])} took away what it may still use"
            for each in ids
            if each in status.cut_off
        ]
    return lines


def _last_poll(status: Status) -> list[str]:
    """Return how old the figures are: of a router that does not answer they get older and older."""
    if status.evidence is None or status.evidence.poll_age_s is None:
        return []
    return [f"last poll {_time(status.evidence.poll_age_s)} ago"]


def _time(seconds: float) -> str:
    """Write how long ago something was."""
    if seconds < _MINUTE_S:
        return f"{seconds:.0f} s"
    minutes, hours = int(seconds / _MINUTE_S), int(seconds / _HOUR_S)
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


def _under_way(status: Status, width: int) -> list[str]:
    lines = []
    if status.canary is not None:
        # rich takes its time to import: only where it is seen.
        from deploytool.cli.render.canary_status import canary_status  # noqa: PLC0415

        lines += ["", canary_status(status, status.canary, width), *_last_poll(status), ""]
    if status.holder is not None:
        holder = status.holder
        lines.append(
            f"{holder.command} by {holder.user}@{holder.host} (process {holder.pid}) "
            f"is under way since {holder.since}"
        )
        if status.canary is not None and status.canary.steps:
            is_served = status.canary.phase is Phase.OBSERVING
            promote = ", or `deploytool promote` without more evidence" if is_served else ""
            lines.append(f"steer: `deploytool abort`{promote}")
    if status.is_evidence_lost:
        lines.append("its evidence cannot be read: another version of deploytool began it")
    if status.is_canary_interrupted and status.is_evidence_lost:
        lines.append("next: `deploytool promote` or `deploytool abort`")
    elif status.is_canary_interrupted:
        lines.append("next: `deploytool resume`, `deploytool promote` or `deploytool abort`")
    return lines
