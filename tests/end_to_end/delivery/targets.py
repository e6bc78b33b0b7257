"""The two targets of a team: containers of this machine, and after them pods of a cluster."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from deploytool.platforms.kubernetes.objects import COMPONENT, labels_of
from tests.end_to_end.kubernetes.namespace import Administrator, Kubectl, hurry, settle

_LABEL = "com.docker.compose"


class Target(Protocol):
    """A place that the team deploys to."""

    def declared(self, targets: Mapping[str, Any]) -> dict[str, Any]:
        """Return what targets.yaml is to say of it. targets: those that it declares already."""

    def running(self) -> set[tuple[str, str]]:
        """Return which component runs which image, as the platform was told it."""

    def is_empty(self) -> bool:
        """Tell whether nothing of the system is left there."""


@dataclass(frozen=True)
class Containers:
    """A project of Compose. state: its folder, the same for every job."""

    project: str
    state: Path

    def declared(self, targets: Mapping[str, Any]) -> dict[str, Any]:
        return {**targets["compose"], "project": self.project, "state": str(self.state)}

    def running(self) -> set[tuple[str, str]]:
        ids = docker("ps", "--quiet", f"--filter=label={_LABEL}.project={self.project}").split()
        found = [each["Config"] for each in json.loads(docker("inspect", *ids))] if ids else []
        return {(each["Labels"][f"{_LABEL}.service"], each["Image"]) for each in found}

    def is_empty(self) -> bool:
        return not docker("ps", "--all", "--quiet", f"--filter=name={self.project}")


@dataclass(frozen=True)
class Pods:
    """A namespace of a cluster. kubectl: with the rights of who made it."""

    kubectl: Kubectl
    registry: str
    state: Path

    @contextmanager
    def made_for(self, deploy: Path, login: Path) -> Iterator[None]:
        """Have the namespace meanwhile, and in `deploy` the manifests for it.

        login: becomes a kubeconfig with the rights of deploytool's role there.
        """
        settle(deploy, self.kubectl.namespace)
        hurry(deploy)
        administrator = Administrator(self.kubectl, deploy / "kubernetes")
        try:
            administrator.make_namespace()
            administrator.write_login(login)
            yield
        finally:
            administrator.remove_namespace()

    def declared(self, targets: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **targets["kubernetes"],
            "namespace": self.kubectl.namespace,
            "registry": self.registry,
            "state": str(self.state),
        }

    def running(self) -> set[tuple[str, str]]:
        # A Job's pods have ended.
        pods = self.kubectl.objects("pods", f"{COMPONENT},!job-name")
        return {
            (labels_of(pod)[COMPONENT], container["image"])
            for pod in pods
            for container in pod["spec"]["containers"]
        }

    def is_empty(self) -> bool:
        return self.kubectl.objects("pods") == []


def docker(*arguments: str) -> str:
    done = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
