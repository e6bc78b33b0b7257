"""Lines of pods' logs on a real cluster: each of them once, whatever happens meanwhile."""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import urllib3

from deploytool.platforms.base import LogLine
from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.follower import Tail
from deploytool.platforms.kubernetes.logs import read_logs
from deploytool.platforms.kubernetes.objects import Key
from tests.cluster.writer import push_writer, writer_pod
from tests.end_to_end.deployed import until

NAMESPACE = f"logs-{os.getpid()}"
# A node with much to do takes its time to begin a pod.
PATIENCE_S = 180
# The kubelet looks every 10 s for files over 10 MiB.
ROTATING: dict[str, Any] = {"lines_per_s": 3000, "line_bytes": 1000}


class Cuttable(Cluster):
    """A cluster whose answers with logs break off."""

    most_bytes = 1 << 40
    is_away = False

    def stream(self, path: str, query: Any, timeout_s: float) -> Any:
        if not path.endswith("/log"):
            return super().stream(path, query, timeout_s)
        if self.is_away:
            raise urllib3.exceptions.ProtocolError("away")
        answer = super().stream(path, query, timeout_s)
        answer.stream = self._cut(answer.stream)
        return answer

    def _cut(self, whole: Callable[[int], Iterator[bytes]]) -> Callable[[int], Iterator[bytes]]:
        def stream(size: int) -> Iterator[bytes]:
            left = random.randint(1, self.most_bytes)
            for chunk in whole(size):
                yield chunk[:left]
                left -= len(chunk)
                if left <= 0 or self.is_away:
                    raise urllib3.exceptions.ProtocolError("cut")

        return stream


@pytest.fixture(scope="module")
def pods(cluster: Path) -> Iterator[Cuttable]:
    """An own namespace."""
    before = os.environ.get("KUBECONFIG")
    os.environ["KUBECONFIG"] = str(cluster)
    push_writer()
    pods = Cuttable(None, NAMESPACE)
    pods.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    try:
        yield pods
    finally:
        pods.delete(Key("v1", "Namespace", "", NAMESPACE))
        pods.close()
        os.environ.pop("KUBECONFIG")
        if before is not None:
            os.environ["KUBECONFIG"] = before


@contextmanager
def followed(pods: Cluster, component: str) -> Iterator[list[LogLine]]:
    """Follow a component meanwhile; the lines are those that came so far."""
    lines: list[LogLine] = []
    stop = threading.Event()

    def read() -> None:
        for line in read_logs(pods, [component], tail=Tail(0), follow=True, is_stopped=stop.is_set):
            lines.append(line)  # noqa: PERF402 - seen as they come

    reading = threading.Thread(target=read)
    reading.start()
    try:
        # Followed before there is a pod: of a new one, all lines are shown.
        time.sleep(1)
        yield lines
    finally:
        stop.set()
        reading.join(20)
    assert not reading.is_alive()


def create(pods: Cluster, pod: dict[str, Any]) -> str:
    """Create a pod, once the one of its name is gone; return its uid."""
    wait(lambda: pods.create(pod) is not None, "the pod of the name before is gone")
    found = pods.get(Key("v1", "Pod", NAMESPACE, pod["metadata"]["name"]))
    assert found is not None
    return str(found["metadata"]["uid"])


def wait(condition: Callable[[], bool], what: str) -> None:
    until(condition, what=what, deadline_s=PATIENCE_S)


def numbers(lines: list[LogLine]) -> list[int]:
    return [int(line.text[:10]) for line in lines if line.text[:1].isdigit()]


def ends(lines: list[LogLine]) -> list[str]:
    """Return what the pods said at their end."""
    return [line.text for line in lines if line.text.startswith("end ")]


def notes(lines: list[LogLine]) -> dict[int, str]:
    """Return where the platform's own words stand, with what stands around them."""
    return {
        index: "\n".join(line.text[:60] for line in lines[max(0, index - 1) : index + 2])
        for index, line in enumerate(lines)
        if line.is_note
    }


def first_readable(pods: Cluster, name: str) -> int:
    """Return the first line in the newest file of a pod's log."""
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{name}/log"
    with (
        suppress(urllib3.exceptions.HTTPError, ValueError),
        Cluster.stream(pods, path, [("limitBytes", "10")], 10) as answer,
    ):
        return int(answer.read())
    return 0


def test_restarts_lose_and_repeat_nothing_however_often_answers_are_cut(pods: Cuttable) -> None:
    pods.most_bytes = 3_000_000
    with followed(pods, "restarted") as lines:
        pod = writer_pod(
            "restarted", lines=10_000, lines_per_s=2000, line_bytes=60, restart="Always"
        )
        create(pods, pod)
        wait(lambda: len(lines) >= 20_000, "lines of two containers came")
        pods.delete(Key("v1", "Pod", NAMESPACE, "restarted"))
    pods.most_bytes = 1 << 40
    assert numbers(lines)[:20_000] == [*range(10_000)] * 2
    assert notes(lines) == {}
    assert {line.instance for line in lines} == {"restarted"}


def test_rotation_deletion_and_a_pod_of_the_same_name_lose_and_repeat_nothing(
    pods: Cuttable,
) -> None:
    pod = writer_pod("replaced", lines=0, **ROTATING)
    with followed(pods, "replaced") as lines:
        create(pods, pod)
        wait(lambda: first_readable(pods, "replaced") > 0, "the first file of the log is gone")
        pods.delete(Key("v1", "Pod", NAMESPACE, "replaced"))
        wait(lambda: ends(lines) != [], "the first pod has ended")
        first = len(numbers(lines))
        create(pods, {**pod, "spec": {**pod["spec"], "restartPolicy": "Always"}})
        wait(lambda: len(numbers(lines)) > first + 5000, "lines of the second pod came")
        pods.delete(Key("v1", "Pod", NAMESPACE, "replaced"))
        wait(lambda: len(ends(lines)) == 2, "the second pod has ended")
    second = len(numbers(lines)) - first
    assert ends(lines) == [f"end {first}", f"end {second}"]
    assert numbers(lines) == [*range(first), *range(second)]
    assert notes(lines) == {}


def test_what_was_rotated_away_while_nobody_could_read_is_told(pods: Cuttable) -> None:
    with followed(pods, "unread") as lines:
        create(pods, writer_pod("unread", lines=0, **ROTATING))
        wait(lambda: len(lines) > 1000, "lines came")
        pods.is_away = True
        time.sleep(1)
        seen = numbers(lines)[-1]
        wait(lambda: first_readable(pods, "unread") > seen + 1, "unread lines are gone")
        pods.is_away = False
        wait(lambda: numbers(lines)[-1] > seen + 1, "later lines came")
    found = numbers(lines)
    assert found[: seen + 1] == [*range(seen + 1)]
    after = found[seen + 1 :]
    assert after == [*range(after[0], after[0] + len(after))]
    note = next(index for index, line in enumerate(lines) if line.is_note)
    assert note == seen + 1
    assert sum(line.is_note for line in lines) == 1
