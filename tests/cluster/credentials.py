"""Certificates and keys by which the cluster's programs know each other, made anew for each."""

import json
from base64 import b64encode
from pathlib import Path

import trustme

from tests.cluster.layout import (
    API_PORT,
    API_SERVICE_ADDRESS,
    CREDENTIALS,
    DOMAIN,
    NAME,
    NODE,
    NODE_ADDRESS,
)

ADMINISTRATOR = "administrator"
# May do all. Of Kubernetes' own programs each has its role from the start; any other role would
# come too late for a program that starts with the API server.
_MASTERS = "system:masters"
# Certificates that only a client shows: the user and the group that the API server reads in each.
_CLIENTS = {
    ADMINISTRATOR: (ADMINISTRATOR, _MASTERS),
    "apiserver-to-kubelet": ("apiserver-to-kubelet", _MASTERS),
    "kube-controller-manager": ("system:kube-controller-manager", None),
    "kube-proxy": ("system:kube-proxy", None),
    "kube-router": ("kube-router", _MASTERS),
    "kube-scheduler": ("system:kube-scheduler", None),
    "kubelet": (f"system:node:{NODE}", "system:nodes"),
    "volumes": ("volumes", _MASTERS),
}
_API_NAMES = (
    NODE_ADDRESS,
    API_SERVICE_ADDRESS,
    "127.0.0.1",
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    f"kubernetes.default.svc.{DOMAIN}",
)


def authority() -> Path:
    """Return the certificate that all others are signed with."""
    return CREDENTIALS / "authority.pem"


def certificate(name: str) -> Path:
    """Return the certificate of one holder."""
    return CREDENTIALS / f"{name}.pem"


def key(name: str) -> Path:
    """Return the private key of one holder."""
    return CREDENTIALS / f"{name}.key"


def kubeconfig(name: str) -> Path:
    """Return the file by which a program of the node finds the API server and proves itself."""
    return CREDENTIALS / f"{name}.kubeconfig"


def write_credentials() -> None:
    """Write all of them."""
    signer = trustme.CA(organization_name=NAME)
    signer.cert_pem.write_to_path(authority())
    _keep("kube-apiserver", signer.issue_cert(*_API_NAMES))
    _keep("kubelet-server", signer.issue_cert(NODE_ADDRESS, NODE))
    # Only its key matters: with it tokens of service accounts are signed.
    _keep("service-accounts", signer.issue_cert("service-accounts"))
    for name, (user, group) in _CLIENTS.items():
        # Go refuses a certificate whose list of host names is empty.
        _keep(name, signer.issue_cert(name, common_name=user, organization_name=group))
        _write_kubeconfig(kubeconfig(name), name)


def _keep(name: str, issued: trustme.LeafCert) -> None:
    issued.cert_chain_pems[0].write_to_path(certificate(name))
    issued.private_key_pem.write_to_path(key(name))
    key(name).chmod(0o600)


def _write_kubeconfig(path: Path, name: str) -> None:
    """Write one that needs no other file, so that it can be copied."""
    cluster = {
        "server": f"https://{NODE_ADDRESS}:{API_PORT}",
        "certificate-authority-data": _encoded(authority()),
    }
    user = {
        "client-certificate-data": _encoded(certificate(name)),
        "client-key-data": _encoded(key(name)),
    }
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": NAME, "cluster": cluster}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": name}}],
        "current-context": NAME,
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=2))


def _encoded(path: Path) -> str:
    return b64encode(path.read_bytes()).decode()
