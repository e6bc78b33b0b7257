"""A revision as a process of this machine: its environment with all references resolved. Pure."""

from collections.abc import Callable, Mapping
from pathlib import Path

from deploytool.errors import InvalidInput
from deploytool.platforms.base import Role
from deploytool.platforms.local.ports import HOST
from deploytool.platforms.local.program import Program
from deploytool.system.declaration import Service, System
from deploytool.system.declared import REFERENCE
from deploytool.system.revision import Revision


def resolve(
    component: str, environment: Mapping[str, str], known: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment with ${REFERENCE}s replaced. Raises InvalidInput for unknown ones."""

    def value_of(name: str, reference: str) -> str:
        if reference not in known:
            raise InvalidInput(
                f"{component}.environment.{name} refers to ${{{reference}}}, which is unknown",
                why=f"this platform knows {', '.join(sorted(known))}",
                hint="correct the reference in system.yaml, or the --env given",
            )
        return known[reference]

    return {
        name: REFERENCE.sub(lambda match, name=name: value_of(name, match[1]), text)  # type: ignore[misc]
        for name, text in environment.items()
    }


def references(
    system: System,
    *,
    database_port: int,
    gateway_url: str,
    password_file: Callable[[str], Path],
) -> dict[str, str]:
    """Return what references to other components mean. password_file: of a role of the database."""
    name, database = system.database
    return {
        f"{name}.host": HOST,
        f"{name}.port": str(database_port),
        f"{name}.name": database.database,
        **{f"{name}.password_file.{role}": str(password_file(role)) for role in database.roles},
        f"{system.gateway}.url": gateway_url,
        **{
            f"{other}.url": gateway_url + service.route.rstrip("/")
            for other, service in system.services.items()
        },
    }


def service_program(
    *,
    revision: Revision,
    role: Role,
    service: Service,
    port: int,
    host: str,
    interpreter: str,
    artifact: Path,
    base: Mapping[str, str],
    known: Mapping[str, str],
) -> Program:
    """Describe the process of a revision in a role.

    base: environment of everything supervised. known: what references to other components mean.
    """
    own = {"self.host": host, "self.port": str(port), "self.revision": revision.id}
    declared = resolve(revision.component, revision.environment, {**known, **own})
    return Program(
        component=revision.component,
        role=role,
        revision=revision.id,
        port=port,
        argv=(interpreter, str(artifact)),
        environment={**declared, **base},
        stop_s=service.drain_s,
    )
