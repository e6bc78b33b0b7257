"""PostgreSQL as text: statements for psql, and what psql answers. Pure; nothing is run."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from deploytool.errors import InvalidInput, PlatformFailed

# The role that owns the database and runs the migrations.
OWNER = "owner"
# Arguments under which psql reads statements from its input and writes rows and nothing else.
PSQL = ("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1")

_MOST_ROWS = 100
_UNREACHABLE = 2  # psql: the connection failed, or broke


def role_sql(database: str, passwords: Mapping[str, str]) -> str:
    """Return the statements that make the database and its login roles, as often as they run.

    Passwords hold letters, digits, - and _ only. A failing statement is kept out of the log.
    """
    statements = [
        "SET log_min_error_statement = panic;",
        _unless("pg_database", "datname", database, f"CREATE DATABASE {_name(database)}"),
        "BEGIN;",
        # Migrations may grant on the same database meanwhile, and PostgreSQL does not wait with
        # that but refuses: "tuple concurrently updated". So what comes now waits for the
        # transaction of whoever has, and whoever would waits for this one.
        "LOCK TABLE pg_database IN SHARE ROW EXCLUSIVE MODE;",
        f"SELECT FROM pg_database WHERE datname = {_text(database)} FOR UPDATE;",
        f"REVOKE ALL ON DATABASE {_name(database)} FROM PUBLIC;",
    ]
    for role, password in passwords.items():
        statements += [
            _unless("pg_roles", "rolname", role, f"CREATE ROLE {_name(role)}"),
            f"ALTER ROLE {_name(role)} LOGIN PASSWORD {_text(password)};",
            f"GRANT CONNECT ON DATABASE {_name(database)} TO {_name(role)};",
        ]
    return "\n".join([*statements, "COMMIT;"]) + "\n"


def require_other_roles(component: str, roles: Sequence[str]) -> None:
    """Raise InvalidInput when a declared role would be the owner."""
    if OWNER in roles:
        raise InvalidInput(
            f"{component} cannot have a role {OWNER!r}",
            why="that is the role that owns the database and runs the migrations",
            hint="choose another name under `roles` in system.yaml",
        )


def read_only(sql: str) -> str:
    """Return the statements that answer a query in JSON lines, at most 100, and write nothing."""
    query = sql.strip().rstrip(";")
    return (
        "SET default_transaction_read_only = on;\n"
        f"SELECT row_to_json(answer) FROM (\n{query}\n) AS answer LIMIT {_MOST_ROWS};\n"
    )


def parse_rows(output: str) -> list[dict[str, Any]]:
    """Return the rows that psql answered to a read-only query."""
    return [json.loads(line) for line in output.splitlines() if line]


def refusal(component: str, code: int, words: str) -> PlatformFailed:
    """Return the error for a psql that ended with this code, having said this."""
    is_down = code == _UNREACHABLE
    return PlatformFailed(
        f"{component} {'does not answer' if is_down else 'refused a statement'}",
        why=words,
        hint=f"see `deploytool logs {component}`" if is_down else "correct the statement named",
    )


def _unless(catalogue: str, column: str, value: str, statement: str) -> str:
    """Return SQL for psql that runs the statement unless the catalogue has the value."""
    missing = f"NOT EXISTS (SELECT FROM {catalogue} WHERE {column} = {_text(value)})"
    return f"SELECT {_text(statement)} WHERE {missing} \\gexec"


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
