"""The Compose file of a system, and the one that is made from it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from deploytool.errors import InvalidInput
from deploytool.platforms.base import Role
from deploytool.platforms.compose.project import (
    CONFIGURATION_LABEL,
    REVISION_LABEL,
    Project,
    Started,
)

FILE = """\
name: example
services:
  store:
    image: postgres:16
    expose: ["5432"]
    volumes: ["./roles.sql:/roles.sql:ro", "data:/data"]
    depends_on: [web]
  web:
    image: web:local
    environment: {GREETING: hello}
    expose: ["8080", "9090"]
    depends_on: {store: {condition: service_healthy}}
    mem_limit: ${MEMORY:-64m}
volumes: {data: {}}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "roles.sql").write_text("SELECT 1")
    path = tmp_path / "compose.yaml"
    path.write_text(FILE)
    return path


def project(path: Path, images: dict[str, str] | None = None, **variables: str) -> Project:
    return Project(path, variables, images or {})


def started(path: Path, role: Role, **environment: str) -> Started:
    return Started(
        component="web",
        role=role,
        revision="abc",
        image="web:1",
        section=project(path).own_section("web"),
        environment=environment,
    )


def rendered(made: str) -> dict[str, Any]:
    return dict(yaml.safe_load(made))


def test_each_role_is_a_service_of_the_revisions_image_and_environment(path: Path) -> None:
    roles = [started(path, Role.STABLE, A="1"), started(path, Role.CANARY, A="2")]
    services = rendered(project(path).render(roles, []))["services"]
    assert list(services) == ["web", "web-canary"]
    assert [each["environment"] for each in services.values()] == [{"A": "1"}, {"A": "2"}]
    for each in services.values():
        assert each["image"] == "web:1"
        assert each["pull_policy"] == "never"
        assert each["mem_limit"] == "${MEMORY:-64m}"
        assert each["labels"][REVISION_LABEL] == "abc"
        assert "depends_on" not in each


def test_a_dollar_in_a_setting_stays_one(path: Path) -> None:
    made = project(path).render([started(path, Role.STABLE, PRICE="5$ ${MEMORY}")], [])
    assert rendered(made)["services"]["web"]["environment"] == {"PRICE": "5$$ $${MEMORY}"}


def test_what_is_no_revision_keeps_its_section_and_the_rest_of_the_file_stays(path: Path) -> None:
    made = rendered(project(path).render([], ["store"]))
    assert made["volumes"] == {"data": {}}
    assert made["services"]["store"]["image"] == "postgres:16"
    assert "pull_policy" not in made["services"]["store"]
    built = rendered(project(path, {"store": "store:7"}).render([], ["store"]))
    assert built["services"]["store"]["image"] == "store:7"
    assert built["services"]["store"]["pull_policy"] == "never"


def test_image_and_section_are_part_of_a_revision_and_what_replaces_them_is_not(path: Path) -> None:
    before = project(path).fingerprint("web", "web:1")
    assert project(path).fingerprint("web", "web:2") != before
    path.write_text(FILE.replace("hello", "good day").replace("web:local", "web:x"))
    assert project(path).fingerprint("web", "web:1") == before
    path.write_text(FILE.replace("64m", "65m"))
    assert project(path).fingerprint("web", "web:1") != before


def test_a_mounted_file_and_the_variables_are_part_of_a_configuration(path: Path) -> None:
    before = project(path).configuration("store")
    assert project(path, PORT="1").configuration("store") != before
    (path.parent / "roles.sql").write_text("SELECT 2")
    changed = project(path)
    assert changed.configuration("store") != before
    label = rendered(changed.render([], ["store"]))["services"]["store"]["labels"]
    assert label == {CONFIGURATION_LABEL: changed.configuration("store")}


def test_a_service_serves_on_the_first_port_it_exposes(path: Path) -> None:
    assert project(path).port("web") == 8080
    path.write_text(FILE.replace('    expose: ["8080", "9090"]\n', ""))
    with pytest.raises(InvalidInput) as refusal:
        project(path).port("web")
    assert "exposes no port" in refusal.value.what
    assert str(refusal.value.place) == f"{path}:8"


def test_a_missing_service_is_named_with_those_there_are(path: Path) -> None:
    with pytest.raises(InvalidInput) as refusal:
        project(path).section("shop")
    assert "no service 'shop'" in refusal.value.what
    assert refusal.value.why == "it has store, web"
    assert str(refusal.value.place) == f"{path}:2"
