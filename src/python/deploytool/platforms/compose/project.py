"""The Compose file of a system, and the one that is made from it for what runs. Pure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from deploytool.errors import InvalidInput
from deploytool.platforms.base import Role
from deploytool.system.document import read_document

# What a container was made from, in the labels of the engine.
REVISION_LABEL = "deploytool.revision"
CONFIGURATION_LABEL = "deploytool.configuration"

# A service's section holds these for those who run the file by itself. Here the declaration says
# what the environment is, the revision what the image, and deploytool what waits for what.
_OURS = ("image", "environment", "depends_on")

# Of an image that was built here: a missing one is a mistake, which no registry can mend.
_BUILT = {"pull_policy": "never"}

Section = dict[str, Any]


class Started(BaseModel):
    """A revision that runs, or should: all that its container is made from.

    section: of the Compose file, as it was when the revision was installed. environment: resolved.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    component: str
    role: Role
    revision: str
    image: str
    section: Section
    environment: dict[str, str]

    @property
    def service(self) -> str:
        """The service's name in the file that is made."""
        return service_name(self.component, self.role)


def service_name(component: str, role: Role) -> str:
    """Return the name of the service that is a component in a role; also its host name."""
    return component if role is Role.STABLE else f"{component}-canary"


class Project:
    """A Compose file, read once.

    variables: what its ${NAME}s stand for. images: service -> image to use instead of the file's.
    """

    def __init__(self, path: Path, variables: Mapping[str, str], images: Mapping[str, str]) -> None:
        self.path = path
        self.variables = variables
        self._images = images
        self._document = read_document(path)

    def section(self, service: str) -> Section:
        """Return a service's section as it stands. Raises InvalidInput when there is none."""
        services = self._document.data.get("services") or {}
        if not isinstance(services.get(service), dict):
            raise InvalidInput(
                f"the Compose file has no service {service!r}",
                why=f"it has {', '.join(services) or 'none'}",
                hint=f"add {service} under `services`, or correct system.yaml or targets.yaml",
                place=self._document.place(("services",)),
            )
        return dict(services[service])

    def own_section(self, service: str) -> Section:
        """Return what a service's section adds to its revision."""
        return {key: value for key, value in self.section(service).items() if key not in _OURS}

    def ports(self, service: str) -> list[int]:
        """Return the ports that a service listens on: those it exposes, in their order."""
        exposed = self.section(service).get("expose") or []
        try:
            return [int(port) for port in exposed]
        except (TypeError, ValueError) as error:
            raise InvalidInput(
                f"`expose` of {service} is no list of ports",
                why=str(error),
                hint='write for example `expose: ["8080"]`',
                place=self._document.place(("services", service, "expose")),
            ) from error

    def port(self, service: str) -> int:
        """Return the port that a service serves on: the first one exposed. Raises InvalidInput."""
        ports = self.ports(service)
        if not ports:
            raise InvalidInput(
                f"{service} exposes no port",
                why="deploytool takes the first one under `expose` for the port it serves on",
                hint='add for example `expose: ["8080"]`',
                place=self._document.place(("services", service)),
            )
        return ports[0]

    def image(self, service: str) -> str:
        """Return the image of a service that is no revision."""
        return self._images.get(service) or str(self.section(service).get("image", ""))

    def fingerprint(self, service: str, image: str) -> str:
        """Return the SHA-256, in hex, of an image and of all that its section adds to it."""
        section = self.own_section(service)
        return _digest([image, section, self._mounted(section)])

    def configuration(self, service: str) -> str:
        """Return the SHA-256, in hex, of all that a service that is no revision is made from.

        Files that it mounts are part of it: Compose itself does not look into them.
        """
        section = self.section(service)
        return _digest([section, dict(self.variables), self._mounted(section)])

    def render(self, started: Sequence[Started], others: Sequence[str]) -> str:
        """Return the file for what runs. others: services that are no revisions."""
        top = {key: value for key, value in self._document.data.items() if key != "services"}
        services = {
            **{service: self._render_other(service) for service in others},
            **{each.service: self._render_started(each) for each in started},
        }
        return yaml.safe_dump({**top, "services": services}, sort_keys=False)

    def _render_other(self, service: str) -> Section:
        section = {
            key: value for key, value in self.section(service).items() if key != "depends_on"
        }
        labels = _labels(section, CONFIGURATION_LABEL, self.configuration(service))
        built = _BUILT if service in self._images else {}
        return {**section, **built, "image": self.image(service), "labels": labels}

    def _render_started(self, started: Started) -> Section:
        environment = {name: _literal(text) for name, text in started.environment.items()}
        return {
            **started.section,
            **_BUILT,
            "image": started.image,
            "environment": environment,
            "labels": _labels(started.section, REVISION_LABEL, started.revision),
        }

    def _mounted(self, section: Section) -> dict[str, str]:
        """Return the digests of the single files that a section mounts from beside its file."""
        sources = [str(volume).split(":", 1)[0] for volume in section.get("volumes") or []]
        files = {source: self.path.parent / source for source in sources if source[:2] == "./"}
        return {
            source: hashlib.sha256(path.read_bytes()).hexdigest()
            for source, path in files.items()
            if path.is_file()
        }


def _labels(section: Section, name: str, value: str) -> dict[str, str]:
    declared = section.get("labels") or {}
    if isinstance(declared, list):
        declared = dict(str(label).partition("=")[::2] for label in declared)
    return {**declared, name: value}


def _literal(text: str) -> str:
    """Return the text as Compose's interpolation leaves it."""
    return text.replace("$", "$$")


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
