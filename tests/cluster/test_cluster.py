"""What others rely on when they test on this cluster: pods, names, policies, volumes, images."""

import subprocess

import httpx2

from tests.cluster.conftest import PORT, Namespace, await_true
from tests.cluster.images import PROBE
from tests.cluster.layout import CONTAINERD_SOCKET, REGISTRY, VOLUMES

_DENY = {"podSelector": {}, "policyTypes": ["Ingress"]}
_POLICY = "networking.k8s.io/v1"


def _serve(namespace: Namespace, name: str) -> str:
    """Start a pod behind a service; return the service's address by name."""
    namespace.start_pod(name)
    namespace.apply("Service", name, {"selector": {"app": name}, "ports": [{"port": PORT}]})
    return f"http://{name}.{namespace.name}.svc.cluster.local:{PORT}/"


def test_a_service_is_found_by_its_name(namespace: Namespace) -> None:
    url = _serve(namespace, "server")
    namespace.start_pod("client")
    await_true("an answer", lambda: namespace.get("client", url) == "server")
    # As the resolver's search list completes it.
    assert namespace.get("client", f"http://server:{PORT}/") == "server"


def test_a_pod_reaches_itself_through_its_service(namespace: Namespace) -> None:
    url = _serve(namespace, "server")
    await_true("an answer", lambda: namespace.get("server", url) == "server")


def test_the_machine_reaches_pods(namespace: Namespace) -> None:
    namespace.start_pod("server")
    address = namespace.kubectl("get", "pod", "server", "--output=jsonpath={.status.podIP}")
    assert httpx2.get(f"http://{address}:{PORT}/").text == "server"


def test_a_policy_keeps_out_all_but_the_named(namespace: Namespace) -> None:
    url = _serve(namespace, "server")
    for client in ("friend", "stranger"):
        namespace.start_pod(client)
    await_true("an answer", lambda: namespace.get("stranger", url) == "server")

    namespace.apply("NetworkPolicy", "deny", _DENY, _POLICY)
    await_true("silence", lambda: namespace.get("friend", url) is None)

    friends = {"from": [{"podSelector": {"matchLabels": {"app": "friend"}}}]}
    server = {"podSelector": {"matchLabels": {"app": "server"}}}
    namespace.apply("NetworkPolicy", "allow", {**server, "ingress": [friends]}, _POLICY)
    await_true("an answer", lambda: namespace.get("friend", url) == "server")
    assert namespace.get("stranger", url) is None


def test_a_policy_keeps_in_all_but_what_goes_to_the_named(namespace: Namespace) -> None:
    allowed, forbidden = _serve(namespace, "allowed"), _serve(namespace, "forbidden")
    namespace.start_pod("client")
    await_true("an answer", lambda: namespace.get("client", forbidden) == "forbidden")

    names = {
        "namespaceSelector": {},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    server = {"podSelector": {"matchLabels": {"app": "allowed"}}}
    spec = {
        "podSelector": {"matchLabels": {"app": "client"}},
        "policyTypes": ["Egress"],
        "egress": [{"to": [names]}, {"to": [server]}],
    }
    namespace.apply("NetworkPolicy", "egress", spec, _POLICY)
    await_true("silence", lambda: namespace.get("client", forbidden) is None)
    assert namespace.get("client", allowed) == "allowed"


def test_a_claim_gets_a_volume_of_its_group_and_gives_it_back(namespace: Namespace) -> None:
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "10Mi"}},
    }
    namespace.apply("PersistentVolumeClaim", "kept", claim)
    volume = {"name": "kept", "persistentVolumeClaim": {"claimName": "kept"}}
    namespace.start_pod("server", volumes=[volume], securityContext={"fsGroup": 4321})
    name = namespace.kubectl("get", "pvc", "kept", "--output=jsonpath={.spec.volumeName}")
    folder = VOLUMES / name
    assert folder.stat().st_gid == 4321

    namespace.kubectl("delete", "pod/server", "pvc/kept")
    await_true("the volume to go", lambda: not folder.exists())
    await_true("its object to go", lambda: name not in namespace.kubectl("get", "pv"))


def test_an_image_that_was_pushed_is_pulled(namespace: Namespace) -> None:
    image = f"{REGISTRY}/{namespace.name}:1"
    _ctr("tag", PROBE, image)
    _ctr("push", "--plain-http", image)
    _ctr("remove", image)
    namespace.start_pod("server", image)


def _ctr(*arguments: str) -> None:
    argv = ("ctr", f"--address={CONTAINERD_SOCKET}", "--namespace=k8s.io", "images", *arguments)
    subprocess.run(argv, check=True, capture_output=True)
