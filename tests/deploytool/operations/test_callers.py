"""Who suffers from a canary is named: those that call it, and answered wrong meanwhile."""

from deploytool.operations.callers import affected_callers
from deploytool.system.declaration import System
from deploytool.system.revision import revision_of
from deploytool.traffic.load.counts import LoadCounts

SYSTEM = System.model_validate(
    {
        "system": "example",
        "components": {
            "db": {"kind": "postgresql", "database": "d", "migrations": "m", "roles": ["r"]},
            "edge": {"kind": "gateway"},
            "back": {"kind": "service", "route": "/b", "environment": {"DB": "${db.host}"}},
            "front": {"kind": "service", "route": "/f", "environment": {"API": "${back.url}"}},
            "aside": {"kind": "service", "route": "/a", "environment": {"DB": "${db.host}"}},
        },
    }
)
STABLE = {name: revision_of(name, name, {}) for name in ("back", "front", "aside")}
BACK, FRONT, ASIDE = (STABLE[name].id for name in ("back", "front", "aside"))


def counts(**failures: dict[str, int]) -> LoadCounts:
    return LoadCounts(
        answers_by_revision=dict.fromkeys((BACK, FRONT, ASIDE), 3000),
        failures_by_revision={STABLE[name].id: kinds for name, kinds in failures.items()},
    )


def test_a_caller_that_gave_wrong_answers_is_named_with_how_many_and_which() -> None:
    met = counts(front={"404": 1, "503": 12}, back={"500": 7})
    assert affected_callers(SYSTEM, STABLE, "back", met) == (
        f"meanwhile front {FRONT} answered 13 of 3,000 requests not as expected (503: 12, 404: 1):"
        " it calls back",
    )


def test_who_calls_another_component_or_answered_right_is_not_named() -> None:
    assert affected_callers(SYSTEM, STABLE, "back", counts(aside={"503": 12})) == ()
    assert affected_callers(SYSTEM, STABLE, "front", counts(front={"503": 12})) == ()
