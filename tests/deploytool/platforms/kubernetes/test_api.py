"""A server that comes back is waited for: what it refuses until it is ready is no answer."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from deploytool.errors import PlatformFailed
from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.objects import Key, Object
from deploytool.platforms.kubernetes.replies import Away, Refused

POD = Key("v1", "Pod", "shop", "some")
SOME: Object = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "some"}}
KINDS = {"resources": [{"kind": "Pod", "name": "pods", "namespaced": True}]}
READY, STARTING = 200, 500
DENIED, UNKNOWN = 403, 401

Open = Callable[..., Cluster]


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def open_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[str]
) -> Iterator[Open]:
    """Return what opens a cluster whose server gives these answers, one after the other.

    Each is the status of an answer about a pod, and what its /readyz says from then on.
    """
    servers = []

    def start(*answers: tuple[int, int]) -> Cluster:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(list(answers)))
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        file = tmp_path / "kubeconfig"
        file.write_text(yaml.safe_dump(_kubeconfig(server.server_port)))
        monkeypatch.setenv("KUBECONFIG", str(file))
        return Cluster("it", "shop", told.append)

    # The client library reads where the file is when it is imported.
    monkeypatch.setattr(
        "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "kubeconfig")
    )
    monkeypatch.setattr("deploytool.platforms.kubernetes.api._RETRY_S", 0.01)
    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def _kubeconfig(port: int) -> dict[str, object]:
    return {
        "clusters": [{"name": "it", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "it", "user": {}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
    }


def _handler(answers: list[tuple[int, int]]) -> type[BaseHTTPRequestHandler]:
    readiness = [READY]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status: int = READY
            content: object = KINDS
            if self.path == "/readyz":
                status = readiness[0]
            elif self.path.endswith("/pods/some"):
                status, readiness[0] = answers.pop(0)
                content = {}
            elif "/proxy" in self.path:
                status, content = int(self.path.rpartition("/")[2]), self._of_proxy()
            self._answer(status, content)

        def do_PATCH(self) -> None:
            """Answer with the status and the message that the object asks for."""
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, words = asked["spec"]["status"], asked["spec"]["words"]
            self._answer(status, {"apiVersion": "v1", "kind": "Status", "message": words})

        def do_POST(self) -> None:
            """Refuse what is not to be read strictly."""
            self.rfile.read(int(self.headers["Content-Length"]))
            is_strict = "fieldValidation=Strict" in self.path
            self._answer(201 if is_strict else 400, {"is_strict": is_strict})

        def do_PUT(self) -> None:
            self.do_POST()

        def _answer(self, status: int, content: object) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _of_proxy(self) -> object:
            if self.path.split("/")[-2] == "server":
                return {"apiVersion": "v1", "kind": "Status", "message": "no such pod"}
            return {"kind": "Status", "detail": "the pod's own"}

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def test_a_server_that_comes_back_is_waited_for_and_told_of_once(
    open_cluster: Open, told: list[str]
) -> None:
    cluster = open_cluster((503, STARTING), (DENIED, STARTING), (DENIED, READY), (200, READY))
    assert cluster.get(POD) == {}
    [why] = told
    assert why.startswith("the API server does not answer")


def test_what_a_starting_server_refuses_is_no_answer(open_cluster: Open, told: list[str]) -> None:
    assert open_cluster((DENIED, STARTING), (200, READY)).get(POD) == {}
    assert len(told) == 1


def test_what_a_ready_server_refuses_is_an_answer(open_cluster: Open, told: list[str]) -> None:
    with pytest.raises(PlatformFailed, match="does not allow GET") as failed:
        open_cluster((DENIED, READY)).get(POD)
    assert "deploy/kubernetes/deploytool-role.yaml" in failed.value.hint
    assert told == []


def test_whose_login_has_run_out_is_told_to_renew_it(open_cluster: Open) -> None:
    with pytest.raises(PlatformFailed, match="does not know who asks") as failed:
        open_cluster((UNKNOWN, READY)).get(POD)
    assert "kubeconfig" in failed.value.hint


def test_what_a_pod_answers_is_its_own_whatever_the_code(open_cluster: Open) -> None:
    reply = open_cluster().proxied("some", 8080, "/pod/503", 5)
    assert (reply.code, reply.object["detail"]) == (503, "the pod's own")


@pytest.mark.parametrize("code", [403, 404, 503])
def test_what_the_server_answers_for_a_pod_is_no_answer_of_it(
    open_cluster: Open, code: int
) -> None:
    reply = open_cluster().proxied("some", 8080, f"/server/{code}", 5)
    assert (reply.code, reply.words) == (0, "no such pod")


def test_who_wants_to_go_waits_for_no_server(
    open_cluster: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploytool.platforms.kubernetes.api._AWAY_S", 3)
    cluster = open_cluster(*[(503, STARTING)] * 1000)
    signals = [KeyboardInterrupt]

    def sleep(_: float) -> None:
        if signals:
            raise signals.pop()

    monkeypatch.setattr("deploytool.platforms.kubernetes.api.time.sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        cluster.get(POD)
    began = time.monotonic()
    with pytest.raises(Away, match="does not answer"):
        cluster.get(POD)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (500, 'Internal error occurred: failed calling webhook "a.b": connection refused'),
        (403, 'admission webhook "a.b" denied the request: no'),
        (403, 'pods "some" is forbidden: exceeded quota: few, requested: pods=1'),
        (403, 'pods "some" is forbidden: unable to create new content in namespace shop '
         "because it is being terminated"),
        (403, 'pods "some" is forbidden: violates PodSecurity "restricted:latest"'),
    ],
)  # fmt: skip
def test_an_object_that_is_not_taken_is_told_at_once_with_the_words_of_the_server(
    open_cluster: Open, told: list[str], status: int, words: str
) -> None:
    with pytest.raises(Refused, match="the cluster refused Pod/some") as failed:
        open_cluster().apply({**SOME, "spec": {"status": status, "words": words}})
    assert failed.value.why == words
    assert told == []


@pytest.mark.parametrize(
    ("status", "words", "expected"),
    [
        (500, "etcdserver: request timed out", "does not answer"),
        (403, 'pods is forbidden: User "ada" cannot patch resource "pods"', "does not allow PATCH"),
        (403, 'User "ada" cannot patch resource "mutatingwebhookconfigurations"', "does not allow"),
    ],
)
def test_a_server_that_fails_and_a_right_that_lacks_are_told_as_that(
    open_cluster: Open, status: int, words: str, expected: str
) -> None:
    cluster = open_cluster()
    cluster.hurry()
    with pytest.raises(PlatformFailed, match=expected):
        cluster.apply({**SOME, "spec": {"status": status, "words": words}})


@pytest.mark.parametrize("write", [Cluster.create, Cluster.replace])
def test_a_field_that_the_server_does_not_know_is_an_error_and_not_dropped(
    open_cluster: Open, write: Callable[[Cluster, Object], Object | None]
) -> None:
    assert write(open_cluster(), SOME) == {"is_strict": True}
