"""The programs of the node and their command lines, in the order in which they are started."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import settings
from tests.cluster.credentials import authority, certificate, key, kubeconfig
from tests.cluster.layout import (
    API_PORT,
    DOMAIN,
    ETCD_PORT,
    HOST_NETWORK,
    NODE,
    NODE_ADDRESS,
    POD_NETWORK,
    POD_NETWORK_BITS,
    SERVICE_NETWORK,
    STATE,
    STORAGE_CLASS,
    VOLUMES,
)

API_SERVER = "kube-apiserver"


@dataclass(frozen=True, slots=True)
class Program:
    """One program of the node.

    after: the address that must answer well before it is started, None if it needs none.
    """

    name: str
    argv: Sequence[str]
    after: str | None = None


def programs(built: Path) -> Sequence[Program]:
    """Return all of them. built: the folder of the node's own programs."""

    def part(name: str, options: Sequence[str], after: str | None = None) -> Program:
        return Program(name, (str(built / "kubernetes"), name, *options), after)

    return (
        Program("containerd", ("containerd", f"--config={settings.CONTAINERD}")),
        Program("registry", (*_REGISTRY, str(settings.NODE_REGISTRY))),
        Program("registry-for-host", (*_IN_HOST, *_REGISTRY, str(settings.HOST_REGISTRY))),
        part("etcd", _ETCD),
        part(API_SERVER, _API_SERVER, after=f"{_ETCD_URL}/health"),
        part("kubelet", _KUBELET, after=_API_READY),
        part("kube-controller-manager", _CONTROLLER_MANAGER, after=_API_READY),
        part("kube-scheduler", _SCHEDULER, after=_API_READY),
        part("kube-proxy", (f"--config={settings.KUBE_PROXY}",), after=_API_READY),
        part("kube-router", _POLICIES, after=_API_READY),
        part("volumes", _VOLUMES, after=_API_READY),
    )


_REGISTRY = ("docker-registry", "serve")
_IN_HOST = ("nsenter", f"--net={HOST_NETWORK}")
# Its port opens before it knows who may do what; who is turned away asks ever more rarely.
_API_READY = f"https://127.0.0.1:{API_PORT}/readyz"
_ETCD_URL = f"http://127.0.0.1:{ETCD_PORT}"
_ETCD = (
    f"--data-dir={STATE}/etcd",
    f"--listen-client-urls={_ETCD_URL}",
    f"--advertise-client-urls={_ETCD_URL}",
    # It outlives a kill of the program, and nobody needs it after one of the machine.
    "--unsafe-no-fsync",
)
_API_SERVER = (
    f"--advertise-address={NODE_ADDRESS}",
    "--allow-privileged=true",
    "--authorization-mode=Node,RBAC",
    f"--client-ca-file={authority()}",
    "--enable-admission-plugins=NodeRestriction",
    f"--etcd-servers={_ETCD_URL}",
    f"--kubelet-certificate-authority={authority()}",
    f"--kubelet-client-certificate={certificate('apiserver-to-kubelet')}",
    f"--kubelet-client-key={key('apiserver-to-kubelet')}",
    # The node's name means nothing to a resolver.
    "--kubelet-preferred-address-types=InternalIP",
    f"--secure-port={API_PORT}",
    f"--service-account-issuer=https://kubernetes.default.svc.{DOMAIN}",
    f"--service-account-key-file={key('service-accounts')}",
    f"--service-account-signing-key-file={key('service-accounts')}",
    f"--service-cluster-ip-range={SERVICE_NETWORK}",
    f"--tls-cert-file={certificate(API_SERVER)}",
    f"--tls-private-key-file={key(API_SERVER)}",
)
_KUBELET = (
    f"--config={settings.KUBELET}",
    f"--hostname-override={NODE}",
    f"--kubeconfig={kubeconfig('kubelet')}",
    f"--node-ip={NODE_ADDRESS}",
    f"--root-dir={STATE}/kubelet",
)
_CONTROLLER_MANAGER = (
    "--allocate-node-cidrs=true",
    "--bind-address=127.0.0.1",
    f"--cluster-cidr={POD_NETWORK}",
    f"--flex-volume-plugin-dir={STATE}/volume-plugins",
    # Tests wait for it.
    "--horizontal-pod-autoscaler-sync-period=3s",
    f"--kubeconfig={kubeconfig('kube-controller-manager')}",
    "--leader-elect=false",
    f"--node-cidr-mask-size={POD_NETWORK_BITS}",
    # Whoever was turned away by an API server that had just started asks again after half a minute:
    # the node is not taken for dead meanwhile, or its pods would get no more requests.
    "--node-monitor-grace-period=180s",
    f"--root-ca-file={authority()}",
    f"--service-account-private-key-file={key('service-accounts')}",
    "--use-service-account-credentials=true",
)
_SCHEDULER = (
    "--bind-address=127.0.0.1",
    f"--kubeconfig={kubeconfig('kube-scheduler')}",
    "--leader-elect=false",
)
_POLICIES = (
    "--health-port=0",
    f"--hostname-override={NODE}",
    f"--kubeconfig={kubeconfig('kube-router')}",
    "--metrics-port=0",
    "--run-firewall=true",
    "--run-router=false",
    "--run-service-proxy=false",
    f"--service-cluster-ip-range={SERVICE_NETWORK}",
)
_VOLUMES = (
    f"--kubeconfig={kubeconfig('volumes')}",
    f"--node={NODE}",
    f"--provisioner=tests.cluster/{STORAGE_CLASS}",
    f"--root={VOLUMES}",
)
