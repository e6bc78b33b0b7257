"""What the environment asks for: the variables of the public `postgres` image, as it means them."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from postgres_entrypoint.errors import Refused

DATA = "/var/lib/postgresql/data"
# Named in the environment, or in a file that NAME_FILE names.
FROM_FILES = ("POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "POSTGRES_INITDB_ARGS")


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a new cluster is to be made.

    user: the superuser; database: made for it; password: None under `trust` alone;
    auth_method: of connections over TCP, as pg_hba.conf has it; initdb_args: further arguments.
    """

    user: str
    database: str
    password: str | None
    auth_method: str
    initdb_args: tuple[str, ...]


def data_folder(environment: Mapping[str, str]) -> Path:
    """Return where the cluster is or will be."""
    return Path(environment.get("PGDATA") or DATA)


def wishes(environment: Mapping[str, str]) -> Wishes:
    """Read the variables. Raises Refused."""
    values = {name: _value(name, environment) for name in FROM_FILES}
    user = values["POSTGRES_USER"] or "postgres"
    method = environment.get("POSTGRES_HOST_AUTH_METHOD") or "scram-sha-256"
    password = values["POSTGRES_PASSWORD"]
    if not password and method != "trust":
        raise Refused(
            "a new database needs a password for its superuser",
            why="neither POSTGRES_PASSWORD_FILE nor POSTGRES_PASSWORD is set, or it is empty",
            hint="mount a file with the password and name it in POSTGRES_PASSWORD_FILE",
        )
    return Wishes(
        user=user,
        database=values["POSTGRES_DB"] or user,
        password=password,
        auth_method=method,
        initdb_args=tuple(shlex.split(values["POSTGRES_INITDB_ARGS"] or "")),
    )


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that the server is started with."""
    return {name: value for name, value in environment.items() if name != "POSTGRES_PASSWORD"}


def _value(name: str, environment: Mapping[str, str]) -> str | None:
    file = environment.get(f"{name}_FILE")
    if not file:
        return environment.get(name)
    if environment.get(name):
        raise Refused(
            f"{name} is said twice",
            why=f"both {name} and {name}_FILE are set",
            hint="set one of them; a file does not show in `docker inspect`",
        )
    try:
        return Path(file).read_text(encoding="utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise Refused(
            f"{name} cannot be read",
            why=f"{file}: {reason}",
            hint="mount the file so that user 65532 can read it (mode 0444)",
        ) from error
