"""A namespace of this run alone on a cluster, and the manifests changed for it."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from deploytool.platforms.kubernetes.kubectl import unpacked
from tests.end_to_end.deployed import SANDBOX

ACCOUNT = "deploytool"
# The package that holds kubectl.
RUNTIME = "src.python.deploytool.platforms.kubernetes/runtime.pex"
_MADE = ("base/namespace.yaml", "deploytool-role.yaml")


class Kubectl:
    """kubectl in a namespace. config: a kubeconfig. folder: where it is unpacked."""

    def __init__(self, config: Path, namespace: str, folder: Path) -> None:
        self.namespace = namespace
        self._argv = [str(unpacked(SANDBOX / RUNTIME, folder)), f"--kubeconfig={config}"]

    def __call__(self, *arguments: str, text: str = "") -> str:
        done = subprocess.run(
            self.argv(*arguments),
            input=text, capture_output=True, text=True, check=False, timeout=180,
        )  # fmt: skip
        assert done.returncode == 0, f"kubectl {arguments}: {done.stderr}"
        return done.stdout

    def argv(self, *arguments: str) -> list[str]:
        """Return the command."""
        return [*self._argv, f"--namespace={self.namespace}", *arguments]

    def objects(self, kind: str, selector: str = "") -> list[dict[str, Any]]:
        """Return the objects of a kind in the namespace."""
        more = [f"--selector={selector}"] if selector else []
        return list(json.loads(self("get", kind, "--output=json", *more))["items"])


class Administrator:
    """What an administrator does for deploytool, as the manifests say it.

    kubectl: with his rights, in the namespace. manifests: folder with the overlays.
    """

    def __init__(self, kubectl: Kubectl, manifests: Path) -> None:
        self._kubectl = kubectl
        self._manifests = manifests

    def make_namespace(self) -> None:
        """Make the namespace, where deploytool has its role."""
        for name in _MADE:
            self._kubectl("apply", "--filename=-", text=self.manifest(name))

    def remove_namespace(self) -> None:
        """Delete what was made."""
        for name in reversed(_MADE):
            self._kubectl("delete", "--ignore-not-found", "--filename=-", text=self.manifest(name))

    def manifest(self, name: str) -> str:
        """Return a manifest that an administrator applies, for this namespace."""
        return (self._manifests / name).read_text().replace("shop", self._kubectl.namespace)

    def write_login(self, file: Path) -> None:
        """Write a kubeconfig that has the rights of deploytool's role and no others."""
        token = self._kubectl("create", "token", ACCOUNT, "--duration=8h").strip()
        view = self._kubectl("config", "view", "--raw", "--minify", "--flatten")
        config = yaml.safe_load(view)
        config["users"] = [{"name": ACCOUNT, "user": {"token": token}}]
        config["contexts"][0]["context"]["user"] = ACCOUNT
        file.touch(mode=0o600)
        file.write_text(yaml.safe_dump(config))


def settle(deploy: Path, namespace: str) -> None:
    """Change the local overlay to a namespace beside others, on a cluster that has others."""
    overlay = deploy / "kubernetes" / "overlays" / "local"
    move(overlay / "kustomization.yaml", namespace)
    # The declared port of the node may be taken.
    file = overlay / "gateway-service.yaml"
    patches = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump([each for each in patches if "nodePort" not in each["path"]]))


def hurry(deploy: Path) -> None:
    """Give pods less time than the manifests do to be seen as ready, or as about to stop.

    Who loses no request with less loses none with more; each canary here takes a quarter less.
    """
    for name in ("deployments.yaml", "gateway.yaml"):
        file = deploy / "kubernetes" / "base" / name
        text = file.read_text()
        for field, least in (("minReadySeconds", 1), ("seconds", 2)):
            text, count = re.subn(rf"(?m)^( +{field}): \d$", rf"\1: {least}", text)
            assert count
        file.write_text(text)


def move(file: Path, namespace: str) -> None:
    """Name another namespace than the declared one in a file."""
    text = file.read_text()
    assert "namespace: shop\n" in text
    file.write_text(text.replace("namespace: shop\n", f"namespace: {namespace}\n"))
