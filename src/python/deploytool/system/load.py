"""The declared traffic: what visitors do where there are none, and what was promised to them."""

from typing import Any

from pydantic import Field, model_validator

from deploytool.system.declared import Declared, Name, UrlPath, references


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
        return references([self.get, list(self.holds.values())])


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
    # JSON pointer into an answer after which the journey goes on -> the value that must stand
    # there; an answer with another one is a failure, whatever its status.
    holds: dict[str, str | int] = Field(default_factory=dict)
    # Variable -> JSON pointer into the answer.
    capture: dict[str, str] = Field(default_factory=dict)
    recheck: Recheck | None = None

    @property
    def references(self) -> set[str]:
        """Names of the variables needed before the request is sent."""
        return references([self.request, self.headers, self.body, self.holds])


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
