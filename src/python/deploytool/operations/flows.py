"""Whether exactly the declared flows get through, judged from connections that were tried. Pure."""

from collections.abc import Iterator, Sequence

from deploytool.operations.check import Check
from deploytool.platforms.base import Connection, Outcome, Role
from deploytool.system.declaration import System

_WAS = {
    Outcome.REACHED: "was reached",
    Outcome.REFUSED: "was refused",
    Outcome.FAILED: "could not be tried",
    Outcome.UNTRIED: "was not tried",
}


def flow_checks(system: System, connections: Sequence[Connection]) -> Iterator[Check]:
    """Yield a check for each two components, or one for a component that nothing was tried from.

    A declared flow leads to the ports by which its target is meant to be reached; all others are
    to be refused.
    """
    for source in system.components:
        own = [each for each in connections if each.source == source]
        if not any(each.outcome in {Outcome.REACHED, Outcome.REFUSED} for each in own):
            yield _untold(source, own)
            continue
        for target in system.components:
            if target != source:
                yield from _pair(system, source, target, own)


def _untold(source: str, connections: Sequence[Connection]) -> Check:
    """Say once, not for each target, why nothing is known of a component's flows."""
    failed = [each for each in connections if each.outcome is Outcome.FAILED]
    words = [each.words for each in failed or connections] or ["no other component is ready"]
    is_true = False if failed else None
    return Check(source, "opens the declared connections alone", is_true, f"not tried: {words[0]}")


def _pair(
    system: System, source: str, target: str, connections: Sequence[Connection]
) -> Iterator[Check]:
    name = f"{source} -> {target}"
    has_flow = system.has_flow(source, target)
    tried = [each for each in connections if each.target == target]
    allowed = [each for each in tried if has_flow and each.is_published]
    others = [each for each in tried if not (has_flow and each.is_published)]
    if has_flow:
        yield _check(name, "is let through", allowed, Outcome.REACHED)
    if others or not has_flow:
        yield _check(name, "is refused", others, Outcome.REFUSED)


def _check(name: str, statement: str, tried: Sequence[Connection], right: Outcome) -> Check:
    if not tried:
        return Check(name, statement, None, "not tried: no pod that is ready has a port for it")
    outcomes = {each.outcome for each in tried}
    is_true = False if outcomes - {right, Outcome.UNTRIED} else None
    if outcomes == {right}:
        is_true = True
    return Check(name, statement, is_true, "; ".join(_found(each, right) for each in tried))


def _found(connection: Connection, right: Outcome) -> str:
    of = " of the canary" if connection.target_role is Role.CANARY else ""
    by = " by the canary" if connection.source_role is Role.CANARY else ""
    words = f": {connection.words}" if connection.outcome is not right and connection.words else ""
    return f"port {connection.port}{of} {_WAS[connection.outcome]}{by}{words}"
