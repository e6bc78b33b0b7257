"""The Compose file of this system by itself agrees with what deploytool makes of the declaration.

Who runs `docker compose up` without deploytool gets the same system.
"""

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploytool.platforms.migration_sessions import session_settings
from deploytool.platforms.migrations import TABLES
from deploytool.platforms.references import Places, own_references, references, resolve
from deploytool.system.declaration import read_system
from deploytool.system.targets import ComposeTarget, read_target
from deploytool.traffic.traefik_config import render_traefik
from deploytool.traffic.traefik_file import Route, render_route

DEPLOY = Path("deploy")
SYSTEM = read_system(DEPLOY / "system.yaml")
TARGET = read_target(DEPLOY / "targets.yaml", "compose")
assert isinstance(TARGET, ComposeTarget)
FILE, MIGRATIONS = DEPLOY / TARGET.file, TARGET.migrations
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]
DATABASE, GATEWAY = SYSTEM.database[0], SYSTEM.gateway


def port(service: str) -> int:
    return int(SERVICES[service]["expose"][0])


@pytest.mark.parametrize("component", SYSTEM.services)
def test_a_service_has_the_declared_environment(component: str) -> None:
    known = references(
        SYSTEM,
        Places(
            database_host=DATABASE,
            database_port=port(DATABASE),
            gateway_url=f"http://{GATEWAY}:{port(GATEWAY)}",
            password_file=lambda role: f"/run/secrets/{DATABASE}-{role}",
        ),
    )
    own = own_references("0.0.0.0", port(component), "local")
    declared = resolve(component, SYSTEM.services[component].environment, {**known, **own})
    assert SERVICES[component]["environment"] == declared


@pytest.mark.parametrize("component", SYSTEM.services)
def test_a_service_is_routed_as_declared(component: str) -> None:
    service = SYSTEM.services[component]
    address = f"http://{component}:{port(component)}"
    route = Route(
        component,
        service.route,
        {"stable": address},
        header=service.canary.header,
        answer_within_s=service.answer_within_s,
    )
    file = FILE.parent / "gateway" / "routes" / f"{component}.yaml"
    assert file.read_text() == render_route(route)


def test_the_router_is_configured_as_deploytool_needs_it() -> None:
    web, admin = SERVICES[GATEWAY]["expose"]
    made = render_traefik(web=f":{web}", admin=f":{admin}", routes="/etc/traefik/routes")
    assert (FILE.parent / "gateway" / "traefik.yaml").read_text() == made


@pytest.mark.parametrize("kind", TABLES)
def test_migrations_of_a_kind_have_the_table_that_deploytool_asks(kind: str) -> None:
    command = SERVICES[getattr(MIGRATIONS, kind)]["command"]
    assert f"--migrations-table={TABLES[kind]}" in command  # type: ignore[index]


def test_migrations_give_way_and_exclude_each_other_whoever_starts_their_image() -> None:
    lines = (DEPLOY / "database/Dockerfile").read_text().splitlines()
    [entry] = [line for line in lines if line.startswith("ENTRYPOINT")]
    assert "--migration-lock" in entry
    [given] = [line.removeprefix("ENV ") for line in lines if line.startswith("ENV ")]
    wanted = session_settings(SYSTEM.database[1].lock_timeout_s)
    found = dict(word.split("=", 1) for word in shlex.split(given))
    # By its name each tells what is its own to end.
    assert found == {**wanted, "PGAPPNAME": "migrations"}
    assert wanted["PGAPPNAME"] == "migrations-deploytool"


@pytest.mark.parametrize("service", SERVICES)
def test_every_container_is_confined(service: str) -> None:
    section = SERVICES[service]
    assert section["read_only"] is True
    assert section["cap_drop"] == ["ALL"]
    assert section["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "pids_limit", "restart", "logging"} <= set(section)
    published = section.get("ports", [])
    assert bool(published) is (service == GATEWAY)
    assert all(each.startswith("127.0.0.1:") for each in published)
