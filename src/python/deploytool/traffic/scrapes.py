"""What Prometheus read from a pod at one moment, put together again from its series. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deploytool.traffic.prometheus import Series

UP = "up"
"""1 or 0 for every attempt to read a target: the one sign that a pod which counted nothing yet was
read. It has the time of the samples that were read with it."""

STARTED = "process_start_time_seconds"
"""When a process was started, by the clock of its node; the usual libraries tell it."""

_NAME = "__name__"
# What names a target of Prometheus, beside the labels of a place.
_TARGET = ("job", "instance")
# Before a label of the pod's own that has the name of one of the target's.
_EXPORTED = "exported_"


@dataclass(frozen=True, slots=True)
class Target:
    """What Prometheus reads from a pod, and the times of its first and last success."""

    name: tuple[str, ...]
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class Scrape:
    """What was read from a pod. at: unix seconds of Prometheus' clock. started: None if untold.

    counters: the value of each series, by its name and labels as the pod wrote them.
    """

    at: float
    counters: Mapping[str, str]
    started: float | None = None

    @property
    def text(self) -> str:
        """All counters as Prometheus text."""
        return "".join(f"{series} {value}\n" for series, value in self.counters.items())


def last_targets(attempts: Sequence[Series], pod_label: str, since: float) -> dict[str, Target]:
    """Return what was read of each pod last. attempts: series of UP. since: unix seconds.

    Raises ValueError where two targets of a pod have been read side by side since then: both might
    count the same. One that came after the other is the same one at another address.
    """
    found: defaultdict[str, list[Target]] = defaultdict(list)
    for each in attempts:
        good = [at for at, value in each.samples if float(value) == 1]
        if good:
            found[each.labels.get(pod_label, "")].append(Target(_target(each), good[0], good[-1]))
    last = {}
    for pod, targets in found.items():
        *earlier, last[pod] = sorted(targets, key=lambda target: target.last)
        if any(target.last >= max(last[pod].first, since) for target in earlier):
            names = ", ".join(" at ".join(target.name) for target in targets)
            raise ValueError(f"pod {pod} is read as several targets: {names}")
    return last


def scrape_of(series: Sequence[Series], target: Target) -> Scrape:
    """Return what was read from a target last. series: with samples of that moment, and others.

    What has no sample of that very moment is not told any more.
    """
    counters, started = {}, None
    for each in series:
        value = dict(each.samples).get(target.last)
        if value is None or _target(each) != target.name:
            continue
        if each.labels[_NAME] == STARTED:
            started = float(value)
        else:
            counters[_as_written(each.labels)] = value
    return Scrape(target.last, counters, started)


class Processes:
    """Tells the processes apart that count in a pod one after the other."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[int, Scrape]] = {}

    def follow(self, pod: str, scrape: Scrape) -> tuple[str, Scrape]:
        """Return a name for the process that a scrape is of, and the latest scrape of the pod.

        An older one than before may come from a Prometheus that stands in for another.
        """
        number, before = self._last.get(pod, (0, scrape))
        if scrape.at < before.at:
            scrape = before
        elif _is_another(before, scrape):
            number += 1
        self._last[pod] = number, scrape
        return f"{pod} {number}", scrape


def _is_another(before: Scrape, after: Scrape) -> bool:
    """Tell whether the pod's process was started again between two scrapes.

    Neither sign alone will do. A counter falls or vanishes, too, when the gateway forgets a service
    that left its routes; the time of the start changes, too, when the node's clock is set. Taken
    for another process, one would be counted twice; where nothing fell, a process that has lived
    for moments is lost.
    """
    fell = any(
        float(after.counters.get(series, 0)) < float(value)
        for series, value in before.counters.items()
    )
    return fell and (after.started is None or after.started != before.started)


def _target(series: Series) -> tuple[str, ...]:
    return tuple(series.labels.get(label, "") for label in _TARGET)


def _as_written(labels: Mapping[str, str]) -> str:
    own = {
        name.removeprefix(_EXPORTED): value
        for name, value in labels.items()
        if name.startswith(_EXPORTED)
    }
    texts = (
        f'{name}="{_escaped(value)}"'
        for name, value in sorted({**labels, **own}.items())
        if name != _NAME and not name.startswith(_EXPORTED)
    )
    return f"{labels[_NAME]}{{{','.join(texts)}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
