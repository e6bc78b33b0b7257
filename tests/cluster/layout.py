"""Where the cluster is: its folders, its addresses, its names."""

from pathlib import Path

NAME = "cluster-for-tests"

# Everything that a cluster writes, at the same path for the machine and for its programs.
STATE = Path("/var/lib") / NAME
CREDENTIALS = STATE / "credentials"
SETTINGS = STATE / "settings"
LOGS = STATE / "logs"
HELD = STATE / "held"
VOLUMES = STATE / "volumes"
KUBECONFIG = STATE / "kubeconfig"
CONTAINERD_SOCKET = STATE / "containerd.sock"

# What is built once and outlives clusters.
CACHE = Path.home() / ".cache" / NAME

# The control group that holds the pods' own, in each hierarchy of the machine.
CONTROL_GROUP = NAME

# A pair of links joins the machine and the node.
HOST_LINK, HOST_ADDRESS = "cft-host", "10.213.0.1"
NODE_LINK, NODE_ADDRESS = "cft-node", "10.213.0.2"
LINK_BITS = 30
POD_NETWORK, POD_NETWORK_BITS = "10.214.0.0/24", 24
SERVICE_NETWORK = "10.215.0.0/16"
API_SERVICE_ADDRESS = "10.215.0.1"
DNS_SERVICE_ADDRESS = "10.215.0.10"
# The network namespaces, as the node's mounts show them.
HOST_NETWORK = Path("/run/netns/host")
NODE_NETWORK = Path("/run/netns/node")

NODE = "node"
DOMAIN = "cluster.local"
API_PORT = 6443
ETCD_PORT = 2379
# The same on the machine and in the node, and so a name of an image means the same in both.
REGISTRY = "localhost:5055"
STORAGE_CLASS = "standard"


def log(program: str) -> Path:
    """Return the file that a program of the node writes to."""
    return LOGS / f"{program}.log"
