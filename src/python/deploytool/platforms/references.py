"""References in a service's environment: what they may mean, and their replacement. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deploytool.errors import InvalidInput
from deploytool.system.declaration import System
from deploytool.system.declared import REFERENCE


@dataclass(frozen=True, slots=True)
class Places:
    """Where services find what all of them use.

    password_file: returns the path of the file that holds the password of a role of the database.
    """

    database_host: str
    database_port: int
    gateway_url: str
    password_file: Callable[[str], str]


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


def mentioned(environment: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Return those of the references that the environment mentions."""
    names = {name for text in environment.values() for name in REFERENCE.findall(text)}
    return {name: meaning for name, meaning in known.items() if name in names}


def references(system: System, places: Places) -> dict[str, str]:
    """Return what references to other components mean."""
    name, database = system.database
    return {
        f"{name}.host": places.database_host,
        f"{name}.port": str(places.database_port),
        f"{name}.name": database.database,
        **{f"{name}.password_file.{role}": places.password_file(role) for role in database.roles},
        f"{system.gateway}.url": places.gateway_url,
        **{
            f"{other}.url": places.gateway_url + service.route.rstrip("/")
            for other, service in system.services.items()
        },
    }


def own_references(host: str, port: int, revision: str) -> dict[str, str]:
    """Return what references to the service itself mean."""
    return {"self.host": host, "self.port": str(port), "self.revision": revision}
