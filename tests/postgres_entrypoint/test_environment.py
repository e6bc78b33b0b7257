"""The variables mean what they mean to the public `postgres` image."""

from pathlib import Path

import pytest

from postgres_entrypoint.environment import Wishes, wishes, without_secrets
from postgres_entrypoint.errors import Refused


def test_a_password_is_enough() -> None:
    assert wishes({"POSTGRES_PASSWORD": "secret"}) == Wishes(
        user="postgres",
        database="postgres",
        password="secret",
        auth_method="scram-sha-256",
        initdb_args=(),
    )


def test_everything_can_be_said_in_files(tmp_path: Path) -> None:
    files = {"USER": "keeper", "DB": "shop", "PASSWORD": "a b", "INITDB_ARGS": "-k '--locale=C'"}
    for name, content in files.items():
        (tmp_path / name).write_text(content + "\n")

    assert wishes({f"POSTGRES_{name}_FILE": str(tmp_path / name) for name in files}) == Wishes(
        user="keeper",
        database="shop",
        password="a b",
        auth_method="scram-sha-256",
        initdb_args=("-k", "--locale=C"),
    )


def test_the_database_is_named_after_the_user() -> None:
    asked = wishes({"POSTGRES_USER": "keeper", "POSTGRES_HOST_AUTH_METHOD": "trust"})

    assert (asked.database, asked.password) == ("keeper", None)


@pytest.mark.parametrize(
    ("environment", "what"),
    [
        ({}, "a new database needs a password for its superuser"),
        ({"POSTGRES_PASSWORD": ""}, "a new database needs a password for its superuser"),
        (
            {"POSTGRES_PASSWORD": "a", "POSTGRES_PASSWORD_FILE": "/b"},
            "POSTGRES_PASSWORD is said twice",
        ),
        ({"POSTGRES_PASSWORD_FILE": "/no/such"}, "POSTGRES_PASSWORD cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_refused(environment: dict[str, str], what: str) -> None:
    with pytest.raises(Refused) as refused:
        wishes(environment)

    assert refused.value.what == what


def test_the_server_does_not_inherit_the_password() -> None:
    assert without_secrets({"POSTGRES_PASSWORD": "secret", "LANG": "C"}) == {"LANG": "C"}
