"""Lines a second of a pod's log, and lines lost or repeated, while the log is rotated.

    KUBECONFIG=... PYTHONPATH=src/python python -m benchmarks.logs [LINES]

A pod writes LINES (75,000) numbered lines of 1,000 bytes, 3,000 a second: several times the 10 MiB
that the kubelet lets a file have. Two processes follow it at the same time: the anchor,
`kubectl logs -f`, and what `deploytool logs -f --output json` runs: the platform's function, each
line written as JSON. Afterwards both read the file that is left, in turn: what they can do when
nobody is waited for. Times are from the first line to the last, of the file medians of three.

Needs a Python with what 3rdparty/python/deploytool.txt names, a cluster whose nodes pull from
localhost:5055 (tests/cluster has that), kubectl, Docker, gcc.
Fails when deploytool loses or repeats a line, or is slower at following than its limit.
"""

import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.objects import Key
from tests.cluster.writer import push_writer, writer_pod

NAMESPACE = f"logs-benchmark-{os.getpid()}"
POD = "writer"
LINES = 75_000
LINE_BYTES = 1000
# What a kubelet with little of a processor can still serve: at 20,000 lines a second both readers
# fell behind and missed lines. For 25 s, as the kubelet looks every 10 s whether to rotate.
LINES_PER_S = 3_000
RUNS = 3
LEAST_FOLLOWING = 0.95
PATIENCE_S = 300
# Nothing came for so long: nothing will.
SILENCE_S = 45
KUBECTL = ("kubectl", f"--namespace={NAMESPACE}", "logs", POD)
DEPLOYTOOL = (sys.executable, "-m", "benchmarks.logs.reader", NAMESPACE, POD)
FOLLOWING = {"kubectl": (*KUBECTL, "--follow"), "deploytool": (*DEPLOYTOOL, "follow")}
STORED = {"kubectl": KUBECTL, "deploytool": (*DEPLOYTOOL, "stored")}


@dataclass
class Reader:
    """A process that writes lines into a file; began, ended: when the first and the last came."""

    process: psutil.Popen
    file: Path
    began: float = 0.0
    ended: float = 0.0
    processor_s: float = 0.0

    def look(self, last: int) -> None:
        """Note the time if something came, and end the process when all has."""
        if not self.began and self.file.stat().st_size:
            self.began = time.monotonic()
        if not self.ended and (self.process.poll() is not None or self._has(last)):
            self.end()

    def end(self) -> None:
        self.ended = time.monotonic()
        if self.process.poll() is None:
            times = self.process.cpu_times()
            self.processor_s = times.user + times.system
            self.process.kill()
            self.process.wait()

    def _has(self, last: int) -> bool:
        with self.file.open("rb") as file:
            file.seek(max(0, self.file.stat().st_size - 4 * LINE_BYTES))
            return f"{last:010} ".encode() in file.read()

    def numbers(self) -> list[int]:
        return [int(found) for found in re.findall(r"(\d{10}) x", self.file.read_text())]

    @property
    def took_s(self) -> float:
        return self.ended - self.began


@contextmanager
def reading(commands: dict[str, tuple[str, ...]]) -> Iterator[dict[str, Reader]]:
    readers: dict[str, Reader] = {}
    with tempfile.TemporaryDirectory() as place:
        try:
            for name, words in commands.items():
                file = Path(place) / name
                with file.open("wb") as output:
                    readers[name] = Reader(psutil.Popen(words, stdout=output), file)
            yield readers
        finally:
            for reader in readers.values():
                reader.end()


def await_phase(cluster: Cluster, *phases: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while phase(cluster) not in phases:
        if time.monotonic() > deadline:
            raise SystemExit(f"the pod is {phase(cluster)}, not {' or '.join(phases)}")
        time.sleep(0.05)


def phase(cluster: Cluster) -> str:
    pod = cluster.get(Key("v1", "Pod", NAMESPACE, POD)) or {}
    return str(pod.get("status", {}).get("phase"))


def follow(cluster: Cluster, lines: int) -> dict[str, tuple[float, int, int, float]]:
    """Return lines a second, lines lost and repeated, processor seconds of each."""
    pod = writer_pod(POD, lines=lines, lines_per_s=LINES_PER_S, line_bytes=LINE_BYTES)
    cluster.create(pod)
    await_phase(cluster, "Running", "Succeeded")
    with reading(FOLLOWING) as readers:
        await_all(readers, lines - 1)
        return {name: followed(reader, lines) for name, reader in readers.items()}


def await_all(readers: dict[str, Reader], last: int) -> None:
    """Wait until both have the last line, or nothing more comes."""
    grown, size = time.monotonic(), 0
    while not all(reader.ended for reader in readers.values()):
        for reader in readers.values():
            reader.look(last)
        now = sum(reader.file.stat().st_size for reader in readers.values())
        if now != size:
            grown, size = time.monotonic(), now
        elif time.monotonic() > grown + SILENCE_S:
            return
        time.sleep(0.05)


def followed(reader: Reader, lines: int) -> tuple[float, int, int, float]:
    found = reader.numbers()
    if not reader.ended:
        reader.end()
    once = set(found)
    speed = len(found) / reader.took_s
    return speed, lines - len(once), len(found) - len(once), reader.processor_s


def read_stored() -> dict[str, float]:
    """Return the lines a second of each; all have the same lines."""
    speeds: dict[str, list[float]] = {name: [] for name in STORED}
    found: dict[str, list[int]] = {}
    for _ in range(RUNS):
        for name, words in STORED.items():
            with reading({name: words}) as readers:
                while not readers[name].ended:
                    readers[name].look(-1)
                    time.sleep(0.002)
                found[name] = readers[name].numbers()
                speeds[name].append(len(found[name]) / readers[name].took_s)
    if found["kubectl"] != found["deploytool"]:
        raise SystemExit("the two read different lines of the same file")
    if found["kubectl"][0] == 0:
        raise SystemExit("the log was not rotated: give more LINES")
    return {name: statistics.median(each) for name, each in speeds.items()}


def main(lines: int) -> int:
    push_writer()
    cluster = Cluster(None, NAMESPACE)
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    try:
        results = follow(cluster, lines)
        show_following(results)
        show_stored(read_stored())
    finally:
        cluster.delete(Key("v1", "Namespace", "", NAMESPACE))
    return verdict(*results["deploytool"][:3], anchor=results["kubectl"][0])


def show_following(results: dict[str, tuple[float, int, int, float]]) -> None:
    print(f"{'':11} {'lines/s':>9} {'x kubectl':>9} {'lost':>6} {'repeated':>8} {'CPU s':>6}")
    for name, (speed, lost, repeated, processor_s) in results.items():
        ratio = speed / results["kubectl"][0]
        print(f"{name:11} {speed:9,.0f} {ratio:9.2f} {lost:6} {repeated:8} {processor_s:6.1f}")


def show_stored(speeds: dict[str, float]) -> None:
    ratio = speeds["deploytool"] / speeds["kubectl"]
    print(
        f"a stored file: kubectl {speeds['kubectl']:,.0f} lines/s,"
        f" deploytool {speeds['deploytool']:,.0f}, {ratio:.2f} x kubectl (no limit)"
    )


def verdict(speed: float, lost: int, repeated: int, *, anchor: float) -> int:
    is_met = not lost and not repeated and speed / anchor >= LEAST_FOLLOWING
    print(f"limits: lost 0, repeated 0, following at least {LEAST_FOLLOWING} x kubectl")
    print("all limits met" if is_met else "missed")
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else LINES))
