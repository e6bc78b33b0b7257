"""The services, migrations and gateway run locked up, answer their probes and stop cleanly."""

import http.client
import json
from pathlib import Path

import pytest
from docker.models.containers import Container

from tests.images.conftest import Containers, address, await_true, exit_code, is_healthy, run
from tests.images.leaks import leaks

PASSWORDS = {
    "owner": "owner-hazel-11",
    "legacy_app": "shop-hazel-22",
    "inventory": "stock-hazel-33",
}
PORT = 8080


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("secrets")
    for each in (folder, folder.parent):
        each.chmod(0o755)
    roles = [
        f"CREATE ROLE {role} LOGIN PASSWORD '{password}';"
        for role, password in PASSWORDS.items()
        if role != "owner"
    ]
    files = {
        **PASSWORDS,
        "roles.sql": "".join(roles),
        "dbmate.env": (
            f"DATABASE_URL=postgres://owner:{PASSWORDS['owner']}@database/shop?sslmode=disable\n"
        ),
    }
    for name, content in files.items():
        (folder / name).write_text(content)
        (folder / name).chmod(0o444)
    return folder


@pytest.fixture(scope="module")
def database(containers: Containers, secrets: Path) -> Container:
    database = containers.start(
        "database",
        environment={
            "POSTGRES_USER": "owner",
            "POSTGRES_DB": "shop",
            "POSTGRES_PASSWORD_FILE": "/run/secrets/owner",
        },
        mounts={
            secrets / "owner": "/run/secrets/owner",
            secrets / "roles.sql": "/docker-entrypoint-initdb.d/roles.sql",
        },
        tmpfs={"/tmp": ""},
    )
    await_true(lambda: is_healthy(database))
    return database


@pytest.fixture(scope="module")
def migrated(containers: Containers, database: Container, secrets: Path) -> Container:
    migrations = containers.start(
        "migrations",
        command=[
            "--env-file",
            "/run/secrets/dbmate.env",
            "--migrations-dir=/migrations/expand",
            "--migrations-table=schema_migrations",
            "migrate",
        ],
        mounts={secrets / "dbmate.env": "/run/secrets/dbmate.env"},
    )
    assert exit_code(migrations) == 0, migrations.logs().decode()
    return migrations


def start(containers: Containers, secrets: Path, component: str, role: str) -> Container:
    return containers.start(
        component,
        environment={
            "DB_HOST": "database",
            "DB_NAME": "shop",
            "DB_USER": role,
            "DB_PASS_FILE": f"/run/secrets/{role}",
            "API_ENDPOINT": "http://new-microservice:8080",
        },
        mounts={secrets / role: f"/run/secrets/{role}"},
    )


@pytest.fixture(scope="module")
def inventory(containers: Containers, migrated: Container, secrets: Path) -> Container:
    return start(containers, secrets, "new-microservice", "inventory")


@pytest.fixture(scope="module")
def shop(containers: Containers, inventory: Container, secrets: Path) -> Container:
    return start(containers, secrets, "legacy-app", "legacy_app")


def get(containers: Containers, container: Container, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address(container, containers.network), PORT, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_both_services_become_healthy_and_serve(
    containers: Containers, shop: Container, inventory: Container
) -> None:
    await_true(lambda: is_healthy(inventory) and is_healthy(shop))

    status, products = get(containers, shop, "/api/products")
    assert status == 200
    assert json.loads(products)
    assert get(containers, inventory, "/v1/stock")[0] == 200


@pytest.mark.parametrize("which", ["shop", "inventory"])
def test_a_probe_tells_what_is_wrong(request: pytest.FixtureRequest, which: str) -> None:
    service: Container = request.getfixturevalue(which)
    command = service.attrs["Config"]["Healthcheck"]["Test"][1:-1]

    missing = run(service, [*command, "/nowhere"])
    nobody = run(service, [*command, "/readyz"], LISTEN_PORT="1")
    wrong = run(service, command)

    assert (missing.code, missing.output[:4]) == (1, "404:")
    assert (nobody.code, nobody.output[:10]) == (1, "no answer:")
    assert (wrong.code, wrong.output[:6]) == (2, "usage:")


def test_no_password_shows_anywhere(
    containers: Containers, database: Container, migrated: Container, shop: Container
) -> None:
    images = [containers.images[name] for name in ("database", "legacy-app", "new-microservice")]

    assert leaks(PASSWORDS, images=images, containers=containers.started) == []


@pytest.mark.parametrize("which", ["shop", "inventory"])
def test_it_stops_on_sigterm_with_success(request: pytest.FixtureRequest, which: str) -> None:
    service: Container = request.getfixturevalue(which)
    service.kill("SIGTERM")

    assert exit_code(service) == 0, service.logs().decode()


@pytest.mark.parametrize("component", ["legacy-app", "new-microservice"])
def test_an_engine_ends_it_without_the_time_in_which_a_router_would_learn_of_it(
    containers: Containers, component: str
) -> None:
    assert containers.images[component].attrs["Config"]["StopSignal"] == "SIGINT"


def test_bad_settings_end_a_service_with_2(containers: Containers) -> None:
    for component in ("legacy-app", "new-microservice"):
        container = containers.start(component)
        assert exit_code(container) == 2
        assert b"DB_HOST is not set" in container.logs()


def test_the_gateway_answers_its_own_healthcheck_and_stops(containers: Containers) -> None:
    gateway = containers.start("gateway", environment={"TRAEFIK_PING": "true"})
    await_true(lambda: is_healthy(gateway))
    gateway.kill("SIGTERM")

    assert exit_code(gateway) == 0


def test_there_may_be_no_contract_migration(
    containers: Containers, migrated: Container, secrets: Path
) -> None:
    status = containers.start(
        "migrations",
        command=[
            "--env-file",
            "/run/secrets/dbmate.env",
            "--migrations-dir=/migrations/contract",
            "--migrations-table=contract_migrations",
            "status",
        ],
        mounts={secrets / "dbmate.env": "/run/secrets/dbmate.env"},
    )
    assert exit_code(status) == 0
