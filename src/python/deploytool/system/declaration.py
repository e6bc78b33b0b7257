"""The declaration of a system (`deploy/system.yaml`): its components, and what goes with them.

Everything that deploytool knows about a system stands there; no component's name, port or path
stands in deploytool's code.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from deploytool.system.counters import Counters
from deploytool.system.declared import (
    REFERENCE,
    Declared,
    EnvironmentName,
    Name,
    Seconds,
    UrlPath,
)
from deploytool.system.document import parse_model, read_document
from deploytool.system.load import Load
from deploytool.system.policy import CanaryPolicy


class Database(Declared):
    """A PostgreSQL server with one database and a login role for each service."""

    kind: Literal["postgresql"]
    database: str
    # Folder, relative to system.yaml, that holds expand/ and contract/.
    migrations: Path
    # How long a migration may wait for a lock: all who come later wait behind it. Then it gives
    # way, and is tried again.
    lock_timeout_s: Seconds = 2.0
    # Login roles; deploytool makes them with generated passwords, migrations grant their rights.
    roles: tuple[str, ...]


class Gateway(Declared):
    """The router through which all traffic goes, from outside and between services."""

    kind: Literal["gateway"]


class Health(Declared):
    """Paths at which a service says how it is."""

    live: UrlPath = "/livez"
    ready: UrlPath = "/readyz"
    # Answers a JSON object whose field `revision` is the revision that answers.
    version: UrlPath = "/version"


class Service(Declared):
    """A program of the team, deployed as revisions, changed by canaries."""

    kind: Literal["service"]
    # Components that must be ready before this one starts. One that names none, as it waits for the
    # database by itself, starts with it, before the migrations.
    after: tuple[Name, ...] = ()
    # Values may hold references, see `references`.
    environment: dict[EnvironmentName, str] = Field(default_factory=dict)
    health: Health = Health()
    # Path prefix at the gateway; the gateway strips it and passes it as X-Forwarded-Prefix.
    route: UrlPath
    # Paths (below the service's own root) that must answer 200 before any traffic is sent.
    smoke: tuple[UrlPath, ...] = ()
    ready_deadline_s: Seconds = 60.0
    # Time from a request to the beginning of its answer; then the router answers 504 in its place,
    # for the version that did not. Also how long a canary may be without readiness. Nothing limits
    # how long an answer's body takes, so that long ones can be sent.
    answer_within_s: Seconds = Field(default=30.0, ge=0.1)
    # Time that requests in flight get after the last new one was sent; those that take longer are
    # lost with their process.
    drain_s: Seconds = 10.0
    # Ends the process in good order, for a target of plain processes: images name their own.
    stop_signal: Literal["TERM", "INT"] = "TERM"
    canary: CanaryPolicy = CanaryPolicy()
    # For targets whose router does not tell versions apart.
    counters: Counters | None = None

    @property
    def references(self) -> set[str]:
        """Names used as ${COMPONENT.FIELD} in the environment, without the braces."""
        return {name for text in self.environment.values() for name in REFERENCE.findall(text)}


Component = Annotated[Database | Gateway | Service, Field(discriminator="kind")]


class Invariant(Declared):
    """A statement about the data that holds whenever no request is in flight."""

    name: str
    # Returns the rows that break it, so none when it holds; the first column names what a row is
    # about. Run as the database's owner, read only.
    query: str


class System(Declared):
    """The whole declaration."""

    system: Name
    components: dict[Name, Component]
    # Who opens connections to whom; nobody else may, and who is not named opens none. Where none
    # are declared nothing is said about it.
    flows: dict[Name, tuple[Name, ...]] | None = None
    load: Load | None = None
    invariants: tuple[Invariant, ...] = ()

    @field_validator("flows")
    @classmethod
    def _lead_to_components(
        cls, flows: dict[str, tuple[str, ...]] | None, system: ValidationInfo
    ) -> dict[str, tuple[str, ...]] | None:
        # None are known when there is a mistake in one of them: that one is named then.
        components = system.data.get("components")
        for source, targets in (flows or {}).items():
            for name in (source, *targets):
                if components is not None and name not in components:
                    raise ValueError(f"flows of {source} name {name!r}, which is no component")
            if source in targets:
                raise ValueError(f"a flow leads from {source} to itself")
            if len(set(targets)) < len(targets):
                raise ValueError(f"a flow of {source} stands twice")
        return flows

    @model_validator(mode="after")
    def _hold_together(self) -> "System":
        for kind in (Database, Gateway):
            found = [name for name, item in self.components.items() if isinstance(item, kind)]
            if len(found) != 1:
                raise ValueError(
                    f"exactly one component of kind {kind.model_fields['kind'].annotation} "
                    f"is needed, found {len(found)}"
                )
        for name, service in self.services.items():
            for other in service.after:
                if other not in self.components:
                    raise ValueError(f"{name}.after names {other!r}, which is no component")
            for reference in service.references:
                owner = reference.split(".", 1)[0]
                if owner != "self" and owner not in self.components:
                    raise ValueError(f"{name}.environment refers to unknown {reference!r}")
        self.start_order()
        return self

    @property
    def services(self) -> dict[str, Service]:
        """The services by name, in the order of the file."""
        return {n: c for n, c in self.components.items() if isinstance(c, Service)}

    @property
    def database(self) -> tuple[str, Database]:
        """The database's name and declaration."""
        return next((n, c) for n, c in self.components.items() if isinstance(c, Database))

    @property
    def gateway(self) -> str:
        """The gateway's name."""
        return next(n for n, c in self.components.items() if isinstance(c, Gateway))

    def has_flow(self, source: str, target: str) -> bool:
        """Tell whether a component is declared to open connections to another one."""
        return target in (self.flows or {}).get(source, ())

    def with_environment(self, environment: Mapping[str, Mapping[str, str]]) -> "System":
        """Return the system with settings of services changed: service -> name -> value.

        Raises ValueError for what is no service, and for a value that refers to nothing.
        """
        content = self.model_dump()
        for name, changed in environment.items():
            if name not in self.services:
                known = ", ".join(self.services)
                raise ValueError(f"{name!r} is no service; these are {known}")
            content["components"][name]["environment"].update(changed)
        return System.model_validate(content)

    def start_groups(self) -> list[list[str]]:
        """Return the services in groups, each after the groups of all that its services need.

        Services of one group need nothing of each other. Raises ValueError on a circle.
        """
        waiting = dict(self.services)
        placed = set(self.components) - set(waiting)
        groups = []
        while waiting:
            free = [name for name, service in waiting.items() if placed.issuperset(service.after)]
            if not free:
                raise ValueError(f"`after` goes in a circle among {', '.join(sorted(waiting))}")
            for name in free:
                del waiting[name]
            placed.update(free)
            groups.append(free)
        return groups

    def start_order(self) -> list[str]:
        """Return the services, each after those it needs."""
        return [name for group in self.start_groups() for name in group]


def read_system(path: Path) -> System:
    """Read `system.yaml`. Raises InvalidInput with the file and line to blame."""
    return parse_model(read_document(path), System)
