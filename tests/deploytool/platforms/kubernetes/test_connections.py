"""Connections tried from inside pods, on a cluster and a kubectl in memory."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from deploytool.errors import InvalidInput, PlatformFailed
from deploytool.platforms.base import Connection, Outcome, Role
from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.connections import (
    Connections,
    End,
    Port,
    command,
    end_of,
    outcome,
)
from deploytool.platforms.kubernetes.inspection import Inspection
from deploytool.platforms.kubernetes.kubectl import Kubectl
from deploytool.platforms.kubernetes.objects import COMPONENT, ROLE, Key, Object
from deploytool.system.declaration import System
from deploytool.system.targets import Dial

REFUSED = re.compile("^refused: ")
PORTS: Mapping[str, Mapping[str, int]] = {
    "db": {"sql": 5432}, "edge": {"web": 8080, "admin": 9100}, "web": {"http": 8080},
}  # fmt: skip
PUBLISHED: Mapping[str, int | str] = {"db": 5432, "edge": "web", "web": "http"}
SYSTEM = System.model_validate(
    {
        "system": "example",
        "components": {
            "db": {"kind": "postgresql", "database": "d", "migrations": "m", "roles": ["r"]},
            "edge": {"kind": "gateway"},
            "web": {"kind": "service", "route": "/w"},
        },
    }
)


def pod(component: str, role: Role = Role.STABLE, *, is_ready: bool = True) -> Object:
    ports = [{"name": name, "containerPort": port} for name, port in PORTS[component].items()]
    return {
        "metadata": {
            "name": f"{component}-{role}",
            "labels": {COMPONENT: component, ROLE: str(role)},
        },
        "spec": {"containers": [{"name": component, "ports": ports}]},
        "status": {
            "phase": "Running",
            "podIP": f"10.0.{list(PORTS).index(component)}.{1 + (role is Role.CANARY)}",
            "conditions": [{"type": "Ready", "status": str(is_ready)}],
            "containerStatuses": [{"name": component, "started": True}],
        },
    }


def service(component: str) -> Object:
    return {"spec": {"ports": [{"port": 80, "targetPort": PUBLISHED[component]}]}}


class Memory(Cluster):
    """A Service and some pods of each component."""

    def __init__(self, pods: Sequence[Object]) -> None:
        super().__init__(None, "shop")
        self._pods = pods

    def get(self, key: Key) -> Object | None:
        assert key.kind == "Service"
        return service(key.name)

    def list(self, version: str, kind: str, selector: str = "") -> list[Object]:
        assert (version, kind) == ("v1", "Pod")
        name = selector.removeprefix(f"{COMPONENT}=")
        return [each for each in self._pods if each["metadata"]["labels"][COMPONENT] == name]


class Programs(Kubectl):
    """Says what came of a command in a pod."""

    def __init__(self, answer: Callable[[str, Sequence[str]], "CompletedProcess[str]"]) -> None:
        super().__init__(None, Path("/nowhere"), None, "shop")
        self._answer = answer

    def execute(
        self, pod: str, container: str, argv: Sequence[str], *, text: str, timeout_s: float
    ) -> "CompletedProcess[str]":
        assert pod.startswith(container)
        assert (text, timeout_s) == ("", 15.0)
        return self._answer(pod, argv)


def ended(code: int, stderr: str = "", stdout: str = "") -> "CompletedProcess[str]":
    """Return what kubectl does when the program in the container ended with the code."""
    last = f"command terminated with exit code {code}\n" if code else ""
    return CompletedProcess([], code, stdout, f"{stderr}{last}")


def dial(*names: str) -> dict[str, Dial]:
    return {
        name: Dial(command=(name, "to", "${host}", "${port}"), refused=REFUSED) for name in names
    }


def tried(
    pods: Sequence[Object],
    dial: Mapping[str, Dial],
    answer: Callable[[str, Sequence[str]], "CompletedProcess[str]"] = lambda *_: ended(0),
) -> list[Connection]:
    cluster = Memory(pods)
    inspection = Inspection(cluster, lambda text: text)
    kubectl = Programs(answer)
    hide = Connections(
        SYSTEM, cluster, inspection, kubectl, dial, lambda text: text.replace("secret", "***")
    )
    return hide.tried()


ALL = [pod("db"), pod("edge"), pod("web")]


def test_every_port_is_tried_from_every_other_component_by_its_own_program() -> None:
    seen = []

    def answer(name: str, argv: Sequence[str]) -> "CompletedProcess[str]":
        seen.append((name, *argv))
        return ended(0) if argv[2:] == ["10.0.2.1", "8080"] else ended(1, "refused: by secret\n")

    found = tried(ALL, dial("db", "edge", "web"), answer)
    assert sorted(seen) == [
        ("db-stable", "db", "to", "10.0.1.1", "8080"),
        ("db-stable", "db", "to", "10.0.1.1", "9100"),
        ("db-stable", "db", "to", "10.0.2.1", "8080"),
        ("edge-stable", "edge", "to", "10.0.0.1", "5432"),
        ("edge-stable", "edge", "to", "10.0.2.1", "8080"),
        ("web-stable", "web", "to", "10.0.0.1", "5432"),
        ("web-stable", "web", "to", "10.0.1.1", "8080"),
        ("web-stable", "web", "to", "10.0.1.1", "9100"),
    ]
    told = {(each.source, each.target, each.port): each for each in found}
    assert len(told) == len(found) == len(seen)
    assert told["edge", "web", 8080].outcome is Outcome.REACHED
    assert told["web", "edge", 9100].outcome is Outcome.REFUSED
    assert told["web", "edge", 9100].words == "refused: by ***"
    published = {(each.target, each.port) for each in found if each.is_published}
    assert published == {("db", 5432), ("edge", 8080), ("web", 8080)}


def test_a_canary_tries_and_is_tried_as_well() -> None:
    found = tried([*ALL, pod("web", Role.CANARY)], dial("db", "edge", "web"))
    roles = [(each.source_role, each.target_role) for each in found]
    assert roles.count((Role.CANARY, Role.STABLE)) == 3
    assert roles.count((Role.STABLE, Role.CANARY)) == 2
    assert len(found) == 13


def test_a_component_without_a_program_is_not_tried_from() -> None:
    found = tried(ALL, dial("db", "edge"))
    assert {each.outcome for each in found if each.source == "web"} == {Outcome.UNTRIED}
    assert "targets.yaml names no program" in next(e.words for e in found if e.source == "web")
    assert {each.outcome for each in found if each.source != "web"} == {Outcome.REACHED}


def test_what_is_not_ready_is_neither_tried_nor_tried_from() -> None:
    found = tried([pod("db"), pod("edge"), pod("web", is_ready=False)], dial("db", "edge", "web"))
    assert {each.target for each in found} == {"db", "edge"}
    of_web = {(each.outcome, each.words) for each in found if each.source == "web"}
    assert of_web == {(Outcome.UNTRIED, "no pod of it is ready")}


def test_a_program_that_hangs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*_: object) -> "CompletedProcess[str]":
        raise PlatformFailed("kubectl did not end within 15 s", why="it was killed")

    [first, *_] = tried(ALL, dial("db", "edge", "web"), answer)
    assert first.outcome is Outcome.FAILED
    assert first.words == "kubectl did not end within 15 s: it was killed"


def test_a_program_for_what_is_no_component_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'wbe', which is no component"):
        tried(ALL, dial("wbe"))


FORBIDDEN = (
    'Error from server (Forbidden): pods "web-1" is forbidden: User "ada" cannot create resource '
    '"pods/exec" in API group "" in the namespace "shop"'
)


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        (ended(0, "anything"), (Outcome.REACHED, "")),
        (ended(1, "refused: timed out\n"), (Outcome.REFUSED, "refused: timed out")),
        (ended(1, stdout="refused: no route\n"), (Outcome.REFUSED, "refused: no route")),
        (ended(1, "Trace\n  here\nrefused: x\n"), (Outcome.REFUSED, "refused: x")),
        (ended(2, "I do not understand\nit was refused: no\n"),
         (Outcome.REACHED, "it was refused: no")),
        (ended(2), (Outcome.REACHED, "it said nothing")),
        (CompletedProcess([], 1, "", f"{FORBIDDEN}\n"), (Outcome.FAILED, FORBIDDEN)),
        (CompletedProcess([], 1, "", "error: refused: the server\n"),
         (Outcome.FAILED, "error: refused: the server")),
        (ended(127, "no such file\n"),
         (Outcome.FAILED, "no such file command terminated with exit code 127")),
        (ended(137), (Outcome.FAILED, "command terminated with exit code 137")),
    ],
)  # fmt: skip
def test_what_a_program_said_is_told_from_what_kubectl_said(
    done: "CompletedProcess[str]", expected: tuple[Outcome, str]
) -> None:
    assert outcome(done, REFUSED) == expected


def test_where_to_is_put_into_the_command() -> None:
    each = Dial(command=("ask", "http://${address}/", "--on=${port}", "${host}"), refused=REFUSED)
    assert command(each, "10.0.0.1", 80) == ["ask", "http://10.0.0.1:80/", "--on=80", "10.0.0.1"]
    assert command(each, "fd00::1", 80) == ["ask", "http://[fd00::1]:80/", "--on=80", "fd00::1"]


def test_a_pod_is_known_by_its_first_container_and_all_its_ports_of_tcp() -> None:
    item = pod("web")
    beside = {"name": "beside", "ports": [{"containerPort": 53, "protocol": "UDP"},
                                          {"containerPort": 9000}]}  # fmt: skip
    item["spec"]["containers"].append(beside)
    assert end_of("web", Role.STABLE, item, service("web")) == End(
        "web", Role.STABLE, "web-stable", "web", "10.0.2.1", (Port(8080, True), Port(9000, False))
    )
    assert end_of("web", Role.STABLE, pod("web"), {}).ports == (Port(8080, False),)
