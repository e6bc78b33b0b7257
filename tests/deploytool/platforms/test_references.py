"""References in a service's environment."""

import pytest

from deploytool.errors import InvalidInput
from deploytool.platforms.references import Places, mentioned, references, resolve
from deploytool.system.declaration import System

KNOWN = {"store.port": "5432", "web.url": "http://127.0.0.1:1/app"}


def test_references_are_replaced_wherever_they_stand() -> None:
    declared = {"A": "${store.port}", "B": "x-${store.port}-${web.url}", "C": "$HOME {store.port}"}
    assert resolve("web", declared, KNOWN) == {
        "A": "5432",
        "B": "x-5432-http://127.0.0.1:1/app",
        "C": "$HOME {store.port}",
    }


def test_an_unknown_reference_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(InvalidInput) as refusal:
        resolve("web", {"A": "${store.socket}"}, KNOWN)
    assert "web.environment.A refers to ${store.socket}" in refusal.value.what
    assert "store.port" in refusal.value.why


def test_only_those_that_an_environment_mentions_are_of_it() -> None:
    declared = {"A": "x-${store.port}-${self.port}", "B": "store.port", "C": "${store.socket}"}
    assert mentioned(declared, KNOWN) == {"store.port": "5432"}
    assert mentioned({}, KNOWN) == {}


def test_the_database_the_gateway_and_each_service_behind_it_can_be_named() -> None:
    system = System.model_validate(
        {
            "system": "example",
            "components": {
                "db": {"kind": "postgresql", "database": "d", "migrations": "m", "roles": ["r"]},
                "edge": {"kind": "gateway"},
                "web": {"kind": "service", "route": "/app/"},
            },
        }
    )
    known = references(
        system,
        Places(
            database_host="db.example",
            database_port=5432,
            gateway_url="http://127.0.0.1:80",
            password_file=lambda role: f"/secrets/{role}",
        ),
    )
    assert known == {
        "db.host": "db.example",
        "db.port": "5432",
        "db.name": "d",
        "db.password_file.r": "/secrets/r",
        "edge.url": "http://127.0.0.1:80",
        "web.url": "http://127.0.0.1:80/app",
    }
