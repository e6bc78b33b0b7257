"""Who reaches whom: connections tried from inside the pods, by a program that each has already.

Images have no shell, so the target declares the program. One pod tries for all of its kind: which
packets get through depends on a pod's labels, and these are the same.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from subprocess import CompletedProcess

from deploytool.errors import DeployError, InvalidInput
from deploytool.platforms.base import Connection, Outcome, Role
from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.inspection import Inspection
from deploytool.platforms.kubernetes.kubectl import Kubectl
from deploytool.platforms.kubernetes.objects import Key, Object
from deploytool.platforms.kubernetes.pods import serves
from deploytool.system.declaration import System
from deploytool.system.declared import REFERENCE
from deploytool.system.targets import Dial

# The programs have limits of their own, of a few seconds; this is for one that hangs.
_TRY_S = 15.0
_LONGEST_WORDS = 300
# kubectl's last word when the program ran; otherwise all words are the API server's or its own.
_ENDED = re.compile(r"command terminated with exit code (\d+)\s*$")
# By convention: it could not be started, was not found, or was ended by a signal.
_NOT_RUN = 126


@dataclass(frozen=True, slots=True)
class Port:
    """A port that a pod declares. is_published: whether its component's Service leads to it."""

    number: int
    is_published: bool


@dataclass(frozen=True, slots=True)
class End:
    """A component in a role, by one pod of it that serves; pod is "" when none does."""

    component: str
    role: Role
    pod: str = ""
    container: str = ""
    address: str = ""
    ports: tuple[Port, ...] = ()


class Connections:
    """Tries connections in one namespace. dial: component -> how its own program does it.

    mask: hides secrets in what a program wrote.
    """

    def __init__(
        self,
        system: System,
        cluster: Cluster,
        inspection: Inspection,
        kubectl: Kubectl,
        dial: Mapping[str, Dial],
        mask: Callable[[str], str],
    ) -> None:
        self._system = system
        self._cluster = cluster
        self._inspection = inspection
        self._kubectl = kubectl
        self._dial = dial
        self._mask = mask

    def tried(self) -> list[Connection]:
        """Try every port of every component from every other one, many at a time.

        Raises InvalidInput when the target says how of what is no component.
        """
        self._require_components()
        ends = [end for component in self._system.components for end in self._ends(component)]
        pairs = [
            (source, target, port)
            for source, target in product(ends, ends)
            if source.component != target.component
            for port in target.ports
        ]
        return self._cluster.at_once(lambda pair: self._try(*pair), pairs)

    def _ends(self, component: str) -> Iterator[End]:
        """Yield stable, and the canary if it has pods."""
        key = Key("v1", "Service", self._cluster.namespace, component)
        service = self._cluster.get(key) or {}
        for role in Role:
            pods = self._inspection.pods(component, role)
            serving = [pod for pod in pods if serves(pod)]
            if serving:
                yield end_of(component, role, serving[0], service)
            elif pods or role is Role.STABLE:
                yield End(component, role)

    def _try(self, source: End, target: End, port: Port) -> Connection:
        outcome, words = self._outcome(source, target, port)
        return Connection(
            source=source.component,
            source_role=source.role,
            target=target.component,
            target_role=target.role,
            port=port.number,
            is_published=port.is_published,
            outcome=outcome,
            words=self._mask(words),
        )

    def _outcome(self, source: End, target: End, port: Port) -> tuple[Outcome, str]:
        dial = self._dial.get(source.component)
        if dial is None:
            return Outcome.UNTRIED, "targets.yaml names no program for it under `dial`"
        if not source.pod:
            return Outcome.UNTRIED, "no pod of it is ready"
        argv = command(dial, target.address, port.number)
        try:
            done = self._kubectl.execute(
                source.pod, source.container, argv, text="", timeout_s=_TRY_S
            )
        except DeployError as error:
            return Outcome.FAILED, f"{error.what}: {error.why}"
        return outcome(done, dial.refused)

    def _require_components(self) -> None:
        for name in self._dial:
            if name not in self._system.components:
                raise InvalidInput(
                    f"`dial` in targets.yaml names {name!r}, which is no component",
                    why=f"system.yaml declares {', '.join(self._system.components)}",
                    hint="correct the name",
                )


def end_of(component: str, role: Role, pod: Object, service: Object) -> End:
    """Return what there is to know of a pod. service: of its component, {} when there is none."""
    published = {
        each.get("targetPort", each["port"])
        for each in (service.get("spec") or {}).get("ports") or []
    }
    ports = [
        Port(port["containerPort"], not published.isdisjoint(_names(port)))
        for container in pod["spec"]["containers"]
        for port in container.get("ports") or []
        if port.get("protocol", "TCP") == "TCP"
    ]
    return End(
        component=component,
        role=role,
        pod=pod["metadata"]["name"],
        container=pod["spec"]["containers"][0]["name"],
        address=pod["status"]["podIP"],
        ports=tuple(ports),
    )


def command(dial: Dial, host: str, port: int) -> list[str]:
    """Return the command that tries a connection. host: an IP address of either kind."""
    bracketed = f"[{host}]" if ":" in host else host
    known = {"host": host, "port": str(port), "address": f"{bracketed}:{port}"}
    return [REFERENCE.sub(lambda found: known[found[1]], word) for word in dial.command]


def outcome(done: "CompletedProcess[str]", refused: re.Pattern[str]) -> tuple[Outcome, str]:
    """Judge a program that kubectl ran, by its exit status and its words; with the latter."""
    if done.returncode == 0:
        return Outcome.REACHED, ""
    ended = _ENDED.search(done.stderr)
    if ended is None or int(ended[1]) >= _NOT_RUN:
        return Outcome.FAILED, " ".join(done.stderr.split())
    text = f"{done.stdout}\n{done.stderr[: ended.start()]}"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if told := [line for line in lines if refused.search(line)]:
        return Outcome.REFUSED, _told(told)
    return Outcome.REACHED, _told(lines)


def _told(lines: Sequence[str]) -> str:
    return lines[-1][:_LONGEST_WORDS] if lines else "it said nothing"


def _names(port: Object) -> set[int | str]:
    """Return by what a Service may name a port of a container."""
    return {port["containerPort"], port.get("name", port["containerPort"])}
