"""The configuration files of the node's programs."""

import json
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.credentials import authority, certificate, key, kubeconfig
from tests.cluster.images import PAUSE
from tests.cluster.layout import (
    CONTAINERD_SOCKET,
    CONTROL_GROUP,
    DNS_SERVICE_ADDRESS,
    DOMAIN,
    NODE,
    POD_NETWORK,
    REGISTRY,
    SETTINGS,
    STATE,
)

CONTAINERD = SETTINGS / "containerd.toml"
KUBELET = SETTINGS / "kubelet.json"
KUBE_PROXY = SETTINGS / "kube-proxy.json"
NODE_REGISTRY = SETTINGS / "registry.json"
HOST_REGISTRY = SETTINGS / "registry-for-host.json"
_POD_LINKS = SETTINGS / "cni" / "10-bridge.conflist"
# Where Debian's package puts them.
PLUGINS = Path("/usr/lib/cni")

_CONTAINERD = f"""\
version = 2
root = "{STATE}/containerd"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.tracing.processor.v1.otlp",
]

[grpc]
address = "{CONTAINERD_SOCKET}"

# Its own default is a folder of the machine.
[plugins."io.containerd.internal.v1.opt"]
path = "{STATE}/containerd-opt"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE}"
# Without CAP_SYS_RESOURCE, which machines in a container or a small VM lack, runc may not lower it.
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{PLUGINS}"
conf_dir = "{_POD_LINKS.parent}"

[plugins."io.containerd.grpc.v1.cri".registry.mirrors."{REGISTRY}"]
endpoint = ["http://{REGISTRY}"]
"""

_BRIDGE = {
    "type": "bridge",
    "bridge": "cft-pods",
    "isDefaultGateway": True,
    "ipMasq": True,
    # A pod may reach itself through its service.
    "hairpinMode": True,
    "ipam": {
        "type": "host-local",
        "ranges": [[{"subnet": POD_NETWORK}]],
        "dataDir": f"{STATE}/pod-addresses",
    },
}


def write_settings() -> None:
    """Write all of them."""
    _POD_LINKS.parent.mkdir(parents=True)
    CONTAINERD.write_text(_CONTAINERD)
    for path, content in _JSON.items():
        path.write_text(json.dumps(content, indent=2))


# One server in each network, over the same files.
_REGISTRY = {
    "version": "0.1",
    "http": {"addr": f"127.0.0.1:{REGISTRY.partition(':')[2]}"},
    "log": {"level": "warn"},
    "storage": {
        "delete": {"enabled": True},
        "filesystem": {"rootdirectory": f"{STATE}/registry"},
    },
}

# Kubernetes reads YAML, of which JSON is a part.
_JSON: Mapping[Path, Mapping[str, object]] = {
    _POD_LINKS: {
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [_BRIDGE, {"type": "portmap", "capabilities": {"portMappings": True}}],
    },
    KUBELET: {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(authority())},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{CONTROL_GROUP}",
        "clusterDNS": [DNS_SERVICE_ADDRESS],
        "clusterDomain": DOMAIN,
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        # How full the machine is is not the cluster's business.
        "evictionHard": {
            "imagefs.available": "0%",
            "memory.available": "0%",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
        },
        "failCgroupV1": False,
        "failSwapOn": False,
        # Images that were imported cannot be pulled again.
        "imageGCHighThresholdPercent": 100,
        "podLogsDir": f"{STATE}/pod-logs",
        # The machine's own may name a resolver that is not there for pods.
        "resolvConf": "",
        "serializeImagePulls": False,
        "tlsCertFile": str(certificate("kubelet-server")),
        "tlsPrivateKeyFile": str(key("kubelet-server")),
        "volumePluginDir": f"{STATE}/volume-plugins",
    },
    KUBE_PROXY: {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(kubeconfig("kube-proxy"))},
        "clusterCIDR": POD_NETWORK,
        # Limits of connection tracking are the whole machine's.
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpCloseWaitTimeout": "0s",
            "tcpEstablishedTimeout": "0s",
        },
        "hostnameOverride": NODE,
        "mode": "iptables",
    },
    NODE_REGISTRY: _REGISTRY,
    HOST_REGISTRY: _REGISTRY,
}
