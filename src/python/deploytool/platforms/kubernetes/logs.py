"""What pods write: every line once, through rotation, restarts and pods that come and go.

Here is which containers are read and how their lines come together; follower.py reads one.
"""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence

from deploytool.errors import DeployError
from deploytool.platforms.base import LogLine
from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.follower import Container, Follower, Tail
from deploytool.platforms.kubernetes.objects import COMPONENT, REVISION, labels_of
from deploytool.platforms.kubernetes.workloads import role_of

_LOOK_S = 1.0
_POLL_S = 0.2
_END_S = 2.0
# Batches of lines, each of at most one piece of an answer (64 KiB): readers wait for whoever takes
# them, and the kubelet for the readers.
_MOST_WAITING = 64


def read_logs(
    cluster: Cluster,
    components: Sequence[str],
    *,
    tail: Tail,
    follow: bool,
    is_stopped: Callable[[], bool],
) -> Iterator[LogLine]:
    """Yield the last lines of each pod, and when following all that comes, of new pods too."""
    if follow:
        yield from _followed(cluster, components, tail, is_stopped)
        return
    for container in _containers(cluster, components):
        found: queue.SimpleQueue[list[LogLine]] = queue.SimpleQueue()
        Follower(cluster, container, found.put).read_tail(tail)
        while not found.empty():
            yield from found.get()


def _followed(
    cluster: Cluster, components: Sequence[str], tail: Tail, is_stopped: Callable[[], bool]
) -> Iterator[LogLine]:
    lines: queue.Queue[list[LogLine]] = queue.Queue(_MOST_WAITING)
    crowd = _Crowd(cluster, components, tail, lines)
    crowd.start()
    try:
        while not is_stopped():
            try:
                yield from lines.get(timeout=_POLL_S)
            except queue.Empty:
                continue
    except KeyboardInterrupt:
        cluster.hurry()
        raise
    finally:
        crowd.stop()


class _Crowd:
    """The followers of all containers that there are."""

    def __init__(
        self,
        cluster: Cluster,
        components: Sequence[str],
        tail: Tail,
        lines: "queue.Queue[list[LogLine]]",
    ) -> None:
        self._cluster = cluster
        self._components = components
        self._tail = tail
        self._lines = lines
        self._stopping = threading.Event()
        self._followers: dict[Container, tuple[Follower, threading.Thread]] = {}
        self._watching = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        """Begin. Raises PlatformFailed when the pods cannot be listed."""
        for container in _containers(self._cluster, self._components):
            self._follow(container, self._tail)
        self._watching.start()

    def stop(self) -> None:
        """End all threads, those that wait for lines too."""
        self._stopping.set()
        self._watching.join(_END_S)
        for follower, _ in self._followers.values():
            follower.stop()
        for _, thread in self._followers.values():
            thread.join(_END_S)

    def _watch(self) -> None:
        while not self._stopping.wait(_LOOK_S):
            try:
                found = _containers(self._cluster, self._components)
            except DeployError:
                continue  # away for long: there may be pods all the same
            for container in found:
                if container not in self._followers:
                    self._follow(container, None)
            # Those that are gone have ended by themselves, once they had read all.
            for container, (_, thread) in list(self._followers.items()):
                if container not in found and not thread.is_alive():
                    del self._followers[container]

    def _follow(self, container: Container, tail: Tail | None) -> None:
        follower = Follower(self._cluster, container, self._put)
        thread = threading.Thread(target=follower.run, args=(tail,), daemon=True)
        self._followers[container] = (follower, thread)
        thread.start()

    def _put(self, lines: list[LogLine]) -> None:
        while not self._stopping.is_set():
            try:
                self._lines.put(lines, timeout=_POLL_S)
            except queue.Full:
                continue
            return


def _containers(cluster: Cluster, components: Sequence[str]) -> list[Container]:
    return [
        Container(
            pod=str(pod["metadata"]["name"]),
            uid=str(pod["metadata"]["uid"]),
            name=str(container["name"]),
            component=labels_of(pod)[COMPONENT],
            role=role_of(pod),
            revision=labels_of(pod).get(REVISION, ""),
        )
        for pod in cluster.list("v1", "Pod")
        if labels_of(pod).get(COMPONENT) in components
        for container in pod["spec"]["containers"]
    ]
