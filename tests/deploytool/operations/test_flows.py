"""Whether exactly the declared flows get through, from connections as a platform has tried them."""

from collections.abc import Sequence

import pytest

from deploytool.operations.check import Check
from deploytool.operations.flows import flow_checks
from deploytool.platforms.base import Connection, Outcome, Role
from deploytool.system.declaration import System

REACHED, REFUSED, FAILED, UNTRIED = Outcome
PORTS = {"db": [(5432, True)], "edge": [(80, True), (9100, False)], "web": [(8080, True)]}
SYSTEM = System.model_validate(
    {
        "system": "example",
        "components": {
            "db": {"kind": "postgresql", "database": "d", "migrations": "m", "roles": ["r"]},
            "edge": {"kind": "gateway"},
            "web": {"kind": "service", "route": "/w"},
        },
        "flows": {"edge": ["web"], "web": ["db", "edge"]},
    }
)


def connection(
    source: str, target: str, port: int, outcome: Outcome | None = None, words: str = ""
) -> Connection:
    """Return a connection that went as it is declared, unless told otherwise."""
    is_published = (port, True) in PORTS[target]
    declared = REACHED if is_published and SYSTEM.has_flow(source, target) else REFUSED
    return Connection(
        source, Role.STABLE, target, Role.STABLE, port, is_published, outcome or declared, words
    )


def all_connections(*others: Connection) -> list[Connection]:
    """Return all that there are, those given in place of what is declared."""
    given = {(each.source, each.target, each.port) for each in others}
    rest = [
        connection(source, target, port)
        for source in PORTS
        for target in PORTS
        for port, _ in PORTS[target]
        if source != target and (source, target, port) not in given
    ]
    return [*others, *rest]


def found(connections: Sequence[Connection]) -> dict[tuple[str, str], tuple[bool | None, str]]:
    checks = list(flow_checks(SYSTEM, connections))
    named = {(each.object, each.statement): (each.is_true, each.found) for each in checks}
    assert len(named) == len(checks)
    return named


def test_what_is_declared_gets_through_and_nothing_else_does() -> None:
    assert list(flow_checks(SYSTEM, all_connections())) == [
        Check("db -> edge", "is refused", True, "port 80 was refused; port 9100 was refused"),
        Check("db -> web", "is refused", True, "port 8080 was refused"),
        Check("edge -> db", "is refused", True, "port 5432 was refused"),
        Check("edge -> web", "is let through", True, "port 8080 was reached"),
        Check("web -> db", "is let through", True, "port 5432 was reached"),
        Check("web -> edge", "is let through", True, "port 80 was reached"),
        Check("web -> edge", "is refused", True, "port 9100 was refused"),
    ]


@pytest.mark.parametrize(
    ("wrong", "check", "words"),
    [
        (connection("web", "db", 5432, REFUSED, "timed out"), ("web -> db", "is let through"),
         "port 5432 was refused: timed out"),
        (connection("db", "web", 8080, REACHED, "404"), ("db -> web", "is refused"),
         "port 8080 was reached: 404"),
        (connection("edge", "db", 5432, REACHED), ("edge -> db", "is refused"),
         "port 5432 was reached"),
        (connection("web", "edge", 9100, REACHED), ("web -> edge", "is refused"),
         "port 9100 was reached"),
        (connection("db", "edge", 9100, REACHED), ("db -> edge", "is refused"),
         "port 9100 was reached; port 80 was refused"),
        (connection("web", "db", 5432, FAILED, "no such pod"), ("web -> db", "is let through"),
         "port 5432 could not be tried: no such pod"),
    ],
)  # fmt: skip
def test_what_is_not_as_declared_fails_with_what_was_seen(
    wrong: Connection, check: tuple[str, str], words: str
) -> None:
    checks = found(all_connections(wrong))
    assert checks.pop(check) == (False, words)
    assert all(is_true for is_true, _ in checks.values())


def test_a_component_that_nothing_was_tried_from_is_told_once_and_is_no_failure() -> None:
    why = "targets.yaml names no program"
    untried = [
        connection("web", target, port, UNTRIED, why)
        for target, port in (("db", 5432), ("edge", 80))
    ]
    checks = found([each for each in all_connections() if each.source != "web"] + untried)
    own = {check: result for check, result in checks.items() if check[0].startswith("web")}
    assert own == {("web", "opens the declared connections alone"): (None, f"not tried: {why}")}


def test_a_component_that_nothing_can_be_tried_from_is_a_failure() -> None:
    why = 'pods "web-1" is forbidden'
    failed = [
        connection("web", target, port, FAILED, why)
        for target, port in (("db", 5432), ("edge", 80))
    ]
    checks = found([each for each in all_connections() if each.source != "web"] + failed)
    assert checks["web", "opens the declared connections alone"] == (False, f"not tried: {why}")


def test_a_component_that_is_not_ready_is_reached_by_nobody_so_nothing_is_said_of_it() -> None:
    checks = found([each for each in all_connections() if "db" not in {each.source, each.target}])
    nothing = (None, "not tried: no pod that is ready has a port for it")
    assert checks["web -> db", "is let through"] == nothing
    assert checks["edge -> db", "is refused"] == nothing
    assert checks["db", "opens the declared connections alone"][0] is None
    assert checks["edge -> web", "is let through"][0] is True


def test_a_canary_is_held_to_the_same_flows() -> None:
    by, of = Role.CANARY, Role.CANARY
    leak = Connection("web", by, "edge", Role.STABLE, 9100, False, REACHED)
    cut = Connection("edge", Role.STABLE, "web", of, 8080, True, REFUSED, "timed out")
    checks = found([*all_connections(), leak, cut])
    assert checks["web -> edge", "is refused"] == (
        False,
        "port 9100 was refused; port 9100 was reached by the canary",
    )
    assert checks["edge -> web", "is let through"] == (
        False,
        "port 8080 was reached; port 8080 of the canary was refused: timed out",
    )


def test_what_was_tried_in_part_is_not_called_true() -> None:
    untried = Connection("web", Role.CANARY, "db", Role.STABLE, 5432, True, UNTRIED, "not ready")
    assert found([*all_connections(), untried])["web -> db", "is let through"] == (
        None,
        "port 5432 was reached; port 5432 was not tried by the canary: not ready",
    )
