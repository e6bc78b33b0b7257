"""The targets (`deploy/targets.yaml`): named places to deploy to, each on one platform."""

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from deploytool.errors import InvalidInput
from deploytool.system.counters import LabelName
from deploytool.system.declared import REFERENCE, Declared, EnvironmentName, Name, Seconds
from deploytool.system.document import parse_model, read_document

_MATCHER = r'\s*[a-zA-Z_]\w*\s*(?:=~|!~|!=|=)\s*"(?:[^"\\]|\\.)*"\s*'
_MATCHERS = rf"^{_MATCHER}(?:,{_MATCHER})*$"


class AnyTarget(Declared):
    """What all targets have in common."""

    # Settings of services that are others here than system.yaml says: service -> name -> value.
    environment: dict[Name, dict[EnvironmentName, str]] = Field(default_factory=dict)
    # Then a canary brings no traffic along unless that is asked for: it is judged by theirs.
    has_visitors: bool = False


class Proof(Declared):
    """The proof that a target demands of each image before it runs there."""

    # File of the public key, relative to this one; or without keys an identity, as the issuer that
    # vouches for it names it.
    key: Path | None = None
    identity: str = ""
    issuer: str = ""
    # Where the sources of all images must be.
    repository: str = Field(min_length=1)
    require: frozenset[Literal["signature", "provenance", "sbom"]] = Field(min_length=1)
    # A target on which this very release must have ended promoted.
    after: Name | None = None

    @model_validator(mode="after")
    def _name_one_signer(self) -> "Proof":
        if bool(self.identity) != bool(self.issuer):
            raise ValueError("`identity` and `issuer` go together")
        if bool(self.key) == bool(self.identity):
            raise ValueError("name either `key`, or `identity` with its `issuer`")
        return self


class OfImages(AnyTarget):
    """What the targets have in common that run images."""

    # Without it any image may run, and none has to come from a release.
    proof: Proof | None = None


class OnThisMachine(AnyTarget):
    """What the targets on this machine have in common."""

    # Where the state lives, relative to the repository's root.
    state: Path
    # Port of the gateway on 127.0.0.1; a free one is found, and kept, when none is named.
    gateway_port: int | None = Field(default=None, ge=1, le=65_535)


class LocalTarget(OnThisMachine):
    """Plain processes on this machine."""

    platform: Literal["processes"]


class MigrationServices(Declared):
    """The services of the Compose file that apply all migrations of a kind, and end."""

    expand: Name
    contract: Name


class ComposeTarget(OnThisMachine, OfImages):
    """Containers of a Docker engine on this machine."""

    platform: Literal["compose"]
    # The Compose file, relative to this one; it has a service of each component's name.
    file: Path
    # Compose's project: its name stands before those of containers, networks and volumes.
    project: Name
    migrations: MigrationServices


class MigrationJobs(Declared):
    """The Jobs of the manifests that apply all migrations of a kind, and end."""

    expand: Name
    contract: Name


class Dial(Declared):
    """How a component's own program, in its container, tries a connection to another one."""

    # Where to stands in it as ${host} and ${port}, or as ${address}, which is HOST:PORT.
    command: tuple[str, ...] = Field(min_length=1)
    # A line of a program that failed because there was no connection. With exit status 0, or with
    # other words alone, there was one: its program need not understand who answers.
    refused: re.Pattern[str]

    @field_validator("command")
    @classmethod
    def _say_where_to(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        named = {name for word in command for name in REFERENCE.findall(word)}
        if unknown := named - {"host", "port", "address"}:
            raise ValueError(f"${{{min(unknown)}}} is unknown: host, port and address are known")
        if "address" not in named and not {"host", "port"} <= named:
            raise ValueError("where to is missing: name ${host} and ${port}, or ${address}")
        return command


class PrometheusServer(Declared):
    """A Prometheus that reads the counters of the pods by which a canary is judged."""

    # Its base, as this machine reaches it.
    url: str = Field(pattern=r"^https?://[^\s/?#][^\s?#]*$")
    # Matchers of PromQL for the series of these pods: pods elsewhere may have the same names.
    selector: str = Field(pattern=_MATCHERS)
    # The label that holds a pod's name.
    pod_label: LabelName = "pod"
    # Counters that were read longer ago say nothing about how a canary does now. Longer than the
    # longest usual interval, of a minute, which is Prometheus' own default.
    stale_after_s: Seconds = 90.0

    @field_validator("url")
    @classmethod
    def _holds_no_credentials(cls, url: str) -> str:
        if "@" in urlsplit(url).netloc:
            raise ValueError("credentials do not belong into an address: it is shown and recorded")
        return url


class KubernetesTarget(OfImages):
    """A namespace of a Kubernetes cluster."""

    platform: Literal["kubernetes"]
    has_visitors: bool = True
    # The folder of kustomize that renders everything, relative to this file.
    manifests: Path
    namespace: Name
    # Of the kubeconfig; its current context when none is named.
    context: str | None = None
    # Its API, against which the manifests are checked. Default: the oldest that was tried.
    kubernetes_version: str = Field(default="1.35", pattern=r"^1\.\d+$")
    # Where the cluster pulls images from, HOST[:PORT][/PATH].
    registry: str
    migrations: MigrationJobs
    # How a canary gets its share: by weights of HTTPRoutes, or, where no router has weights, by the
    # number of its pods behind the one Service; then a policy's `header` has no effect.
    sharing: Literal["routes", "replicas"] = "routes"
    # Where visitors reach the gateway; found from its Service when not named.
    gateway_url: str | None = Field(default=None, pattern=r"^https?://[^\s/]+$")
    # The port on which the gateway's pods tell what they counted.
    metrics_port: int = Field(ge=1, le=65_535)
    # Where its counters are known; asked by way of the API server when none is named.
    prometheus: PrometheusServer | None = None
    # What detached operations leave on this machine, relative to the repository's root.
    state: Path
    # Of each component that `verify` tries the flows from.
    dial: dict[Name, Dial] = Field(default_factory=dict)


Target = Annotated[LocalTarget | ComposeTarget | KubernetesTarget, Field(discriminator="platform")]


class Targets(Declared):
    """All targets by name."""

    targets: dict[str, Target]

    @model_validator(mode="after")
    def _come_after_others(self) -> "Targets":
        for name, target in self.targets.items():
            proof = target.proof if isinstance(target, OfImages) else None
            if proof is None or proof.after is None:
                continue
            if proof.after == name or proof.after not in self.targets:
                raise ValueError(f"{name}.proof.after names {proof.after!r}, no other target")
            if not isinstance(self.targets[proof.after], OfImages):
                raise ValueError(f"{name}.proof.after names {proof.after!r}, which runs no images")
        return self


def read_targets(path: Path) -> dict[str, Target]:
    """Read all targets, by name. Raises InvalidInput when the file is wrong."""
    return parse_model(read_document(path), Targets).targets


def read_target(path: Path, name: str) -> Target:
    """Read the target of that name. Raises InvalidInput when the file or the name is wrong."""
    targets = read_targets(path)
    if name not in targets:
        raise InvalidInput(
            f"there is no target {name!r}",
            why=f"{path} declares {', '.join(targets)}",
            hint="choose one of these with --target",
        )
    return targets[name]
