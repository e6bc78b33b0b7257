"""The declaration of a system (`deploy/system.yaml`): its components, routes, canary policy, load.

Everything that deploytool knows about a system stands there; no component's name, port or path
stands in deploytool's code.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from deploytool.system.document import parse_model, read_document

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,40}$")]
UrlPath = Annotated[str, Field(pattern=r"^/[^\s]*$")]
Percent = Annotated[int, Field(ge=1, le=99)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
# A counter's name and some of its labels: reservations_total{state="confirmed"}
Series = Annotated[str, Field(pattern=r'^[a-zA-Z_:][\w:]*(\{\w+="[^"]*"(,\s*\w+="[^"]*")*\})?$')]
# What becomes of a canary that is held: it waits for a person, or is taken back.
WhenHeld = Literal["wait", "abort"]
# A token as HTTP has it, but for the backtick, which ends a text in the router's rules.
Token = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_|~-]{1,64}$")]
EnvironmentName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]

REFERENCE = re.compile(r"\$\{([^{}]+)\}")


class Declared(BaseModel):
    """Base of all declared things: nothing unknown is accepted, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Database(Declared):
    """A PostgreSQL server with one database and a login role for each service."""

    kind: Literal["postgresql"]
    database: str
    # Folder, relative to system.yaml, that holds expand/ and contract/.
    migrations: Path
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


class BusinessMetric(Declared):
    """A ratio of two counters of the service's own that a canary must not lower.

    They count different events, each started by a request of its own; no event is in both.
    """

    name: str = Field(min_length=1, max_length=80)
    # Where the service shows its counters as Prometheus text.
    path: UrlPath = "/metrics"
    # What should happen often, in relation to `per`: a counter, or some of its series.
    count: Series
    per: Series

    @field_validator("name")
    @classmethod
    def _is_not_taken(cls, name: str) -> str:
        if name in {"errors", "latency"}:
            raise ValueError(f"{name} is judged anyway: choose another name")
        return name


class CanaryPolicy(Declared):
    """How a service's canary is stepped and judged. docs/canary.md says how to choose."""

    # Percent of the requests, step by step; the last step decides on promotion.
    steps: tuple[Percent, ...] = (10, 25, 50)
    # Bound on the chance that a canary no worse than stable is ever rolled back.
    alpha: float = Field(default=0.01, gt=0, lt=0.5)
    # Bound on the chance that a canary worse by the tolerance is promoted.
    alpha_promotion: float = Field(default=0.05, gt=0, lt=0.5)
    # Error rate that the canary may have above stable's, as a share (0.01 = 1 %).
    tolerance: float = Field(default=0.01, gt=0, le=0.5)
    # Ratio of slow requests that is still no regression.
    latency_ratio: float = Field(default=1.25, ge=1, le=10)
    # Whether answers 4xx count as failures.
    client_errors: bool = False
    business: tuple[BusinessMetric, ...] = ()
    # How many requests fail together, on average, where one failure brings others with it (a
    # visitor who stays with a version, retries). More than 1 asks for more evidence.
    requests_failing_together: float = Field(default=1, ge=1, le=100)
    poll_s: Seconds = 1.0
    warm_up_s: Seconds = 2.0
    least_step_s: Seconds = 5.0
    # Canary requests without which no step is passed.
    least_step_requests: int = Field(default=50, ge=0, le=1_000_000)
    # A step that brings no decision until then is held: neither promoted nor rolled back.
    step_deadline_s: Seconds = 300.0
    when_held: WhenHeld = "wait"
    # Request header that says `always` or `never` to the canary; such requests are not judged.
    header: Token | None = None
    # Cookie that keeps a visitor at one version while a canary lasts. Then `alpha_promotion` only
    # holds with `requests_failing_together` above 1, which must stand before it in this class.
    sticky_cookie: Token | None = None

    @field_validator("steps")
    @classmethod
    def _rise(cls, steps: tuple[int, ...]) -> tuple[int, ...]:
        if not steps or any(a >= b for a, b in pairwise(steps)):
            raise ValueError("steps are percentages that rise, for example [10, 25, 50]")
        return steps

    @field_validator("sticky_cookie")
    @classmethod
    def _heeds_clusters(cls, cookie: str | None, policy: ValidationInfo) -> str | None:
        if cookie is not None and policy.data.get("requests_failing_together") == 1:
            raise ValueError(
                "a visitor who stays with a version fails more than once there: say how often on "
                "average in requests_failing_together, for example 3"
            )
        return cookie

    @field_validator("business")
    @classmethod
    def _differ(cls, business: tuple[BusinessMetric, ...]) -> tuple[BusinessMetric, ...]:
        if len({metric.name for metric in business}) < len(business):
            raise ValueError("two business metrics have the same name")
        return business


class Service(Declared):
    """A program of the team, deployed as revisions, changed by canaries."""

    kind: Literal["service"]
    # Components that must be ready before this one starts.
    after: tuple[Name, ...] = ()
    # Values may hold references, see `references`.
    environment: dict[EnvironmentName, str] = Field(default_factory=dict)
    health: Health = Health()
    # Path prefix at the gateway; the gateway strips it and passes it as X-Forwarded-Prefix.
    route: UrlPath
    # Paths (below the service's own root) that must answer 200 before any traffic is sent.
    smoke: tuple[UrlPath, ...] = ()
    ready_deadline_s: Seconds = 60.0
    # Time that requests in flight get after the last new one was sent.
    drain_s: Seconds = 10.0
    canary: CanaryPolicy = CanaryPolicy()

    @property
    def references(self) -> set[str]:
        """Names used as ${COMPONENT.FIELD} in the environment, without the braces."""
        return {name for text in self.environment.values() for name in REFERENCE.findall(text)}


Component = Annotated[Database | Gateway | Service, Field(discriminator="kind")]


class Invariant(Declared):
    """A statement about the data that holds whenever no request is in flight."""

    name: str
    # Returns the rows that break it, so none when it holds. Run as the database's owner, read only.
    query: str


class Recheck(Declared):
    """What must be so at the end of the load, because the right answer to a step promised it.

    The promise that a later step of the journey makes about the same path takes its place.
    """

    # Path at the gateway: a GET must answer 200 there.
    get: UrlPath
    # JSON pointer into that answer -> the value that must stand there.
    holds: dict[str, str | int] = Field(default_factory=dict)

    @property
    def references(self) -> set[str]:
        """Names of the variables used."""
        return _references([self.get, list(self.holds.values())])


class JourneyStep(Declared):
    """One request of a journey. Texts may hold ${VARIABLE}."""

    # Method and path at the gateway, for example "POST /app/api/orders".
    request: str = Field(pattern=r"^(GET|POST|PUT|PATCH|DELETE) /\S*$")
    headers: dict[str, str] = Field(default_factory=dict)
    body: Any = None
    # Status codes that are right; anything else is a failure.
    expect: tuple[int, ...] = (200,)
    # The journey goes on only after one of these (default: any right answer).
    goes_on: tuple[int, ...] = ()
    # Variable -> JSON pointer into the answer.
    capture: dict[str, str] = Field(default_factory=dict)
    recheck: Recheck | None = None

    @property
    def references(self) -> set[str]:
        """Names of the variables needed before the request is sent."""
        return _references([self.request, self.headers, self.body])


class Journey(Declared):
    """What one visitor does, request after request."""

    name: Name
    # Relative frequency among all journeys.
    share: float = Field(gt=0)
    steps: tuple[JourneyStep, ...] = Field(min_length=1)


class Load(Declared):
    """Traffic for trying canaries where there are no visitors."""

    # Requests per second, all journeys together.
    rate: float = Field(gt=0, le=10_000)
    # Response header in which a service names the revision that answers.
    revision_header: str | None = None
    # Variable -> values, one of which is drawn for each journey. ${uuid} is always there.
    choices: dict[str, tuple[str | int, ...]] = Field(default_factory=dict)
    journeys: tuple[Journey, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _know_every_variable(self) -> "Load":
        for journey in self.journeys:
            known = {"uuid", *self.choices}
            for step in journey.steps:
                unknown = step.references - known
                known.update(step.capture)
                if step.recheck:
                    unknown |= step.recheck.references - known
                if unknown:
                    raise ValueError(
                        f"{journey.name}: {step.request!r} uses {', '.join(sorted(unknown))}, "
                        "which is neither a choice nor captured by an earlier step"
                    )
        return self


class System(Declared):
    """The whole declaration."""

    system: Name
    components: dict[Name, Component]
    load: Load | None = None
    invariants: tuple[Invariant, ...] = ()

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

    def start_order(self) -> list[str]:
        """Return the services, each after those it needs. Raises ValueError on a circle."""
        return list(self._ordered())

    def _ordered(self) -> Iterator[str]:
        waiting = dict(self.services)
        placed = set(self.components) - set(waiting)
        while waiting:
            free = [name for name, service in waiting.items() if placed.issuperset(service.after)]
            if not free:
                raise ValueError(f"`after` goes in a circle among {', '.join(sorted(waiting))}")
            for name in free:
                del waiting[name]
                placed.add(name)
                yield name


def _references(value: Any) -> set[str]:
    """Return the names used as ${NAME} in all texts of a value."""
    if isinstance(value, str):
        return set(REFERENCE.findall(value))
    if isinstance(value, dict):
        return _references(list(value.values()))
    if isinstance(value, list):
        return {name for item in value for name in _references(item)}
    return set()


def read_system(path: Path) -> System:
    """Read `system.yaml`. Raises InvalidInput with the file and line to blame."""
    return parse_model(read_document(path), System)
