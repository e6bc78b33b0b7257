"""What pods have counted, in their own words: one protocol, and the way through the API server."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from deploytool.errors import PlatformFailed
from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.objects import Object, port_of
from deploytool.traffic.gateway_counters import Taken

_SCRAPE_S = 5.0
_OK = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which counters are wanted of a pod: where it tells them, and their names in Prometheus.

    port: None for the one that each pod serves on.
    """

    port: int | None
    path: str
    names: Collection[str]


@dataclass(frozen=True, slots=True)
class Told:
    """What one pod has counted, as Prometheus text with at least what is wanted.

    process: names what counts in it; started again, it is another.
    """

    pod: Object
    process: str
    text: str


@dataclass(frozen=True, slots=True)
class Counted:
    """What pods have counted, and when that was taken."""

    told: Sequence[Told]
    taken: Taken


class Source(Protocol):
    """Where the counters of pods are known."""

    def read(
        self, pods: Sequence[Object], wanted: Wanted, is_needed: Callable[[Object], bool]
    ) -> Counted:
        """Return what the pods have counted.

        Raises PlatformFailed when a pod that is needed does not tell; another is left out.
        """

    def close(self) -> None:
        """Close the connections of its own."""


class ByApiServer:
    """Asks each pod itself, by way of the API server."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def read(
        self, pods: Sequence[Object], wanted: Wanted, is_needed: Callable[[Object], bool]
    ) -> Counted:
        """Ask all pods at once. See Source."""
        taken = Taken.at(time.monotonic())

        def told(pod: Object) -> Told | None:
            try:
                return Told(pod, process_of(pod), self._scraped(pod, wanted))
            except PlatformFailed:
                if is_needed(pod):
                    raise
                return None

        return Counted([each for each in self._cluster.at_once(told, pods) if each], taken)

    def close(self) -> None:
        """Close nothing: the connections are the cluster's."""

    def _scraped(self, pod: Object, wanted: Wanted) -> str:
        name = name_of_pod(pod)
        port = port_of(pod) if wanted.port is None else wanted.port
        reply = self._cluster.proxied(name, port, wanted.path, _SCRAPE_S)
        if reply.code != _OK:
            raise PlatformFailed(
                f"pod {name} does not tell what it counted",
                why=reply.words,
                hint="see its log with `deploytool logs`",
            )
        return reply.body.decode(errors="replace")


def name_of_pod(pod: Object) -> str:
    """Return the name of a pod."""
    return str(pod["metadata"]["name"])


def process_of(pod: Object) -> str:
    """Return what names the process that counts in a pod: started again, it is another."""
    # The first is the component's own; what stands beside it may be started again alone.
    own = pod["spec"]["containers"][0]["name"]
    told = pod["status"].get("containerStatuses") or []
    ids = {each["name"]: each.get("containerID", "") for each in told}
    return f"{pod['metadata']['name']} {ids.get(own, '')}"
