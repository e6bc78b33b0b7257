"""The manifests without deploytool: what docs/kubernetes.md tells a person to type."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.end_to_end.deployed import SANDBOX, until
from tests.end_to_end.kubernetes.namespace import Kubectl, settle

NAMESPACE = f"test-alone-{os.getpid()}"
IMAGES = ("database", "gateway", "migrations", "legacy-app", "new-microservice")
REGISTRY = "localhost:5055"


@pytest.fixture
def deploy(tmp_path: Path) -> Path:
    """The folder deploy, as somebody has it who cloned the repository, for another namespace."""
    deploy = tmp_path / "deploy"
    shutil.copytree(SANDBOX / "deploy", deploy)
    settle(deploy, NAMESPACE)
    # A node that once pulled an image `local` would not ask for a newer one.
    overlay = deploy / "kubernetes" / "overlays" / "local" / "kustomization.yaml"
    overlay.write_text(overlay.read_text().replace("newTag: local", f"newTag: {NAMESPACE}"))
    return deploy


@pytest.fixture
def kubectl(cluster: Path, deploy: Path, tmp_path: Path) -> Iterator[Kubectl]:
    kubectl = Kubectl(cluster, NAMESPACE, tmp_path)
    namespace = (deploy / "kubernetes" / "base" / "namespace.yaml").read_text()
    kubectl("apply", "--filename=-", text=namespace.replace("shop", NAMESPACE))
    yield kubectl
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")
    for kind in ("clusterrole", "clusterrolebinding"):
        kubectl("delete", "--ignore-not-found", kind, f"{NAMESPACE}-gateway")


def test_kubectl_apply_is_enough(kubectl: Kubectl, deploy: Path, tmp_path: Path) -> None:
    push()
    make_secrets(kubectl, tmp_path)
    kubectl("apply", "-k", str(deploy / "kubernetes" / "overlays" / "local"))
    kubectl("wait", "--for=condition=Complete", "job/migrations", "--timeout=150s")
    kubectl("rollout", "status", "--timeout=150s", *(f"deployment/{name}" for name in IMAGES[-2:]))
    kubectl("rollout", "status", "deployment/gateway", "--timeout=150s")
    address = gateway(kubectl)
    until(lambda: answers(address, "/app/"), what="the gateway has read its routes")
    assert answers(address, "/api/v2/v1/stock")
    assert httpx2.get(f"{address}/app/version", timeout=10).json()["revision"] == "local"


def push() -> None:
    for name in IMAGES:
        image = f"{REGISTRY}/{name}:{NAMESPACE}"
        for command in (("tag", f"{name}:local", image), ("push", "--quiet", image)):
            subprocess.run(["docker", *command], check=True, capture_output=True, timeout=120)
        subprocess.run(["docker", "rmi", image], check=True, capture_output=True, timeout=60)


def make_secrets(kubectl: Kubectl, folder: Path) -> None:
    """Make those that secret.example.yaml shows, as it says."""
    owner = secrets.token_hex()
    address = f"postgres://owner:{owner}@database:5432/shop?sslmode=disable"
    for name, key, value in (
        ("database", "password", owner),
        ("database-legacy-app", "password", secrets.token_hex()),
        ("database-inventory", "password", secrets.token_hex()),
        ("database-migrations", "dotenv", f"DATABASE_URL={address}\n"),
    ):
        file = folder / name
        file.write_text(value)
        kubectl("create", "secret", "generic", name, f"--from-file={key}={file}")


def gateway(kubectl: Kubectl) -> str:
    port = kubectl("get", "service/gateway", "--output=jsonpath={.spec.ports[0].nodePort}")
    [node] = kubectl.objects("nodes")[:1]
    return f"http://{node['status']['addresses'][0]['address']}:{port}"


def answers(address: str, path: str) -> bool:
    try:
        return httpx2.get(address + path, timeout=10).is_success
    except httpx2.HTTPError:
        return False
