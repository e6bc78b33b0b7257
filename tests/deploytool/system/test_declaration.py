"""The declaration: what is accepted, and how mistakes are named."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from deploytool.errors import InvalidInput
from deploytool.system.declaration import System, read_system

BASE: dict[str, Any] = {
    "system": "example",
    "components": {
        "db": {"kind": "postgresql", "database": "d", "migrations": "m", "roles": ["r"]},
        "edge": {"kind": "gateway"},
        "front": {"kind": "service", "route": "/f", "after": ["back", "db"]},
        "back": {"kind": "service", "route": "/b", "after": ["db"]},
    },
}


def service(**fields: Any) -> dict[str, Any]:
    components = {**BASE["components"], "extra": {"kind": "service", "route": "/x", **fields}}
    return {**BASE, "components": components}


def metric(**fields: str) -> dict[str, str]:
    return {"name": "sold", "count": "sold_total", "per": 'seen_total{page="offer"}', **fields}


def refused(folder: Path, declaration: dict[str, Any]) -> InvalidInput:
    path = folder / "system.yaml"
    path.write_text(yaml.safe_dump(declaration, sort_keys=False))
    with pytest.raises(InvalidInput) as raised:
        read_system(path)
    return raised.value


def test_services_start_after_what_they_need_or_together() -> None:
    system = System.model_validate(service(after=["db"]))
    assert system.start_groups() == [["back", "extra"], ["front"]]
    assert system.start_order() == ["back", "extra", "front"]


def test_a_target_changes_settings_of_services() -> None:
    system = System.model_validate(service(environment={"MODE": "demo", "PORT": "${self.port}"}))
    placed = system.with_environment({"extra": {"MODE": "earnest", "HOST": "${db.host}"}})
    assert placed.services["extra"].environment == {
        "MODE": "earnest",
        "PORT": "${self.port}",
        "HOST": "${db.host}",
    }
    assert placed.services["front"] == system.services["front"]
    assert system.with_environment({}) == system


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"db": {"MODE": "x"}}, "'db' is no service; these are front, back"),
        ({"front": {"MODE": "${moon.host}"}}, "refers to unknown 'moon.host'"),
    ],
)
def test_what_a_target_cannot_change_is_named(
    environment: dict[str, dict[str, str]], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        System.model_validate(BASE).with_environment(environment)


def test_database_and_gateway_are_found_by_kind() -> None:
    system = System.model_validate(BASE)
    assert system.database[0] == "db"
    assert system.gateway == "edge"


def test_a_circle_of_needs_is_refused(tmp_path: Path) -> None:
    declaration = service(after=["front"])
    declaration["components"]["front"] = {"kind": "service", "route": "/f", "after": ["extra"]}
    assert "circle among extra, front" in refused(tmp_path, declaration).why


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"after": ["nothing"]}, "'nothing', which is no component"),
        ({"environment": {"A": "${nothing.port}"}}, "unknown 'nothing.port'"),
        ({"canary": {"steps": [50, 10]}}, "percentages that rise"),
        ({"canary": {"steps": [10, 100]}}, "less than or equal to 99"),
        ({"canary": {"when_held": "panic"}}, "'wait' or 'abort'"),
        ({"canary": {"least_step_s": [60, 600]}}, "times: 2, steps: 3"),
        ({"canary": {"steps": [50], "least_step_s": []}}, "times: 0, steps: 1"),
        ({"canary": {"least_step_s": [60, 0, 600]}}, "greater than 0"),
        ({"canary": {"least_step_requests": -1}}, "greater than or equal to 0"),
        ({"canary": {"requests_failing_together": 0.5}}, "greater than or equal to 1"),
        ({"canary": {"business": [metric(count="a total")]}}, "pattern"),
        ({"canary": {"business": [metric(name="errors")]}}, "judged anyway"),
        ({"canary": {"business": [metric(name="client errors")]}}, "judged anyway"),
        ({"canary": {"client_errors": True}}, "write `client_errors: ignore` where"),
        ({"canary": {"client_errors": False}}, "write `client_errors: ignore` where"),
        ({"canary": {"client_errors": "count"}}, "'judge' or 'ignore'"),
        ({"canary": {"latency_floor_ms": -1}}, "greater than or equal to 0"),
        ({"canary": {"business": [metric(), metric()]}}, "the same name"),
        ({"canary": {"header": "X Canary"}}, "pattern"),
        ({"canary": {"header": "X`Canary"}}, "pattern"),
        ({"canary": {"sticky_cookie": "a;b"}}, "pattern"),
        ({"canary": {"sticky_cookie": ""}}, "pattern"),
        ({"canary": {"sticky_cookie": "seen"}}, "requests_failing_together, for example 3"),
        ({"route": "no-slash"}, "pattern"),
        # As the router's file would write them, 1e-05s and 1e+06s are no times.
        ({"answer_within_s": 0.00001}, "greater than or equal to 0.1"),
        ({"answer_within_s": 1_000_000}, "less than or equal to 86400"),
        ({"colour": "red"}, "not permitted"),
    ],
)
def test_a_mistake_in_a_service_is_named(tmp_path: Path, fields: dict[str, Any], why: str) -> None:
    error = refused(tmp_path, service(**fields))
    assert why in error.why
    assert error.place is not None


@pytest.mark.parametrize(
    "fault",
    [
        "alpha: 7",
        "least_step_s: 0",
        "header: no token",
        "sticky_cookie: no token",
        "sticky_cookie: seen",
    ],
)
def test_a_mistake_is_named_with_the_line_it_stands_on(tmp_path: Path, fault: str) -> None:
    error = refused(tmp_path, service(canary={"tolerance": 0.02, **yaml.safe_load(fault)}))
    assert error.what == f"components.extra.canary.{fault.partition(':')[0]} is not valid"
    text = (tmp_path / "system.yaml").read_text().splitlines()
    assert error.place is not None
    assert error.place.line is not None
    assert text[error.place.line - 1].strip() == fault


@pytest.mark.parametrize("kind", ["postgresql", "gateway"])
def test_there_is_exactly_one_database_and_one_gateway(tmp_path: Path, kind: str) -> None:
    components = {n: c for n, c in BASE["components"].items() if c["kind"] != kind}
    for name in ("front", "back"):
        components[name] = {"kind": "service", "route": f"/{name}"}
    assert "exactly one" in refused(tmp_path, {**BASE, "components": components}).why


def test_who_opens_connections_is_declared_by_component() -> None:
    system = System.model_validate({**BASE, "flows": {"edge": ["front", "back"], "back": ["db"]}})
    assert system.has_flow("edge", "back")
    assert not system.has_flow("back", "edge")
    assert not system.has_flow("front", "db")


def test_no_flows_are_something_else_than_none_declared() -> None:
    assert System.model_validate(BASE).flows is None
    assert System.model_validate({**BASE, "flows": {}}).flows == {}


@pytest.mark.parametrize(
    ("flows", "why"),
    [
        ({"back": ["nothing"]}, "flows of back name 'nothing', which is no component"),
        ({"nothing": ["back"]}, "'nothing', which is no component"),
        ({"back": ["db", "back"]}, "a flow leads from back to itself"),
        ({"back": ["db", "db"]}, "a flow of back stands twice"),
        ({"back": "db"}, "valid tuple"),
    ],
)
def test_a_mistake_in_the_flows_is_named(
    tmp_path: Path, flows: dict[str, list[str]], why: str
) -> None:
    error = refused(tmp_path, {**BASE, "flows": flows})
    text = (tmp_path / "system.yaml").read_text().splitlines()
    assert why in error.why
    assert error.place is not None
    assert error.place.line is not None
    assert error.place.line > text.index("flows:")
