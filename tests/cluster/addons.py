"""What is put into a cluster of which just the programs run: images, names, volumes, CRDs."""

import subprocess
from pathlib import Path
from string import Template

from tests.cluster.images import COREDNS
from tests.cluster.kubectl import kubectl, succeeds
from tests.cluster.layout import (
    CONTAINERD_SOCKET,
    DNS_SERVICE_ADDRESS,
    DOMAIN,
    NODE,
    STORAGE_CLASS,
    log,
)
from tests.cluster.waiting import ClusterFailed, wait_until

_DECLARED = Path(__file__).with_name("addons.yaml")
_IMPORT_TIMEOUT_S = 60
_READY_TIMEOUT_S = 60


def install(built: Path) -> None:
    """Put them in and wait until they and the node are ready. built: what building.py made."""
    import_images(built / "images")
    kubectl(built, "apply", "--server-side", f"--filename={built / 'crds'}")
    kubectl(built, "apply", "--server-side", "--filename=-", text=_declared())
    await_node(built)
    names = ("deployment/coredns", "--namespace=kube-system")
    wait_until(
        "names to be answered",
        lambda: succeeds(built, "wait", "--for=condition=Available", *names, "--timeout=1s"),
        timeout_s=_READY_TIMEOUT_S,
        log=log("kubelet"),
    )


def await_node(built: Path) -> None:
    """Wait until pods can run."""
    wait_until(
        "the node to be ready",
        lambda: succeeds(built, "wait", "--for=condition=Ready", f"node/{NODE}", "--timeout=1s"),
        timeout_s=_READY_TIMEOUT_S,
        log=log("kubelet"),
    )


def import_images(folder: Path) -> None:
    """Put the images of a folder of archives into the node."""
    wait_until(
        "containerd", CONTAINERD_SOCKET.exists, timeout_s=_IMPORT_TIMEOUT_S, log=log("containerd")
    )
    for archive in sorted(folder.glob("*.tar")):
        import_image(archive)


def import_image(archive: Path) -> None:
    """Put the images of one archive, as `docker save` makes them, into the node."""
    done = subprocess.run(
        (*_CTR, "images", "import", str(archive)),
        check=False,
        capture_output=True,
        text=True,
        timeout=_IMPORT_TIMEOUT_S,
    )
    if done.returncode != 0:
        raise ClusterFailed(f"{archive} cannot be imported: {done.stderr.strip()}")


# The namespace that the kubelet looks into.
_CTR = ("ctr", f"--address={CONTAINERD_SOCKET}", "--namespace=k8s.io")


def _declared() -> str:
    return Template(_DECLARED.read_text()).substitute(
        coredns=COREDNS,
        dns_address=DNS_SERVICE_ADDRESS,
        domain=DOMAIN,
        storage_class=STORAGE_CLASS,
    )
