"""What pods have counted, as a Prometheus knows it that reads them by itself every few seconds.

Its counters lag. How old they are is judged by its own clock: this machine's may be set otherwise.
"""

import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from deploytool.errors import PlatformFailed
from deploytool.platforms.kubernetes.objects import Object
from deploytool.platforms.kubernetes.scraping import Counted, Told, Wanted, name_of_pod
from deploytool.system.targets import PrometheusServer
from deploytool.traffic.gateway_counters import Taken
from deploytool.traffic.prometheus import PrometheusApi, Series
from deploytool.traffic.scrapes import (
    STARTED,
    UP,
    Processes,
    Scrape,
    Target,
    last_targets,
    scrape_of,
)

# How far back it is asked when it read a pod, to tell the age of what is too old.
_LOOK_BACK = 5
# Of samples beside the oldest that are wanted: the edge of a range belongs to it or not.
_EDGE_S = 1.0


class ByPrometheus:
    """Asks the Prometheus that a target names. As long as it lives, it knows who is new."""

    def __init__(self, server: PrometheusServer) -> None:
        self._server = server
        self._api = PrometheusApi(server.url)
        self._processes = Processes()
        self._has_read = False
        self._seen_since: dict[str, float] = {}

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def read(
        self, pods: Sequence[Object], wanted: Wanted, is_needed: Callable[[Object], bool]
    ) -> Counted:
        """Return what Prometheus read from each pod last. See Source.

        Nor does a pod tell of which it has read nothing for `stale_after_s`.
        """
        now = self._api.now()
        if not pods:
            return Counted([], Taken.at(now))
        self._see(pods)
        attempts = self._samples([UP], pods, now, _LOOK_BACK * self._server.stale_after_s)
        targets = self._targets(attempts, now - self._server.stale_after_s)
        fresh = {
            name: target
            for name, target in targets.items()
            if now - target.last <= self._server.stale_after_s
        }
        for pod in pods:
            name = name_of_pod(pod)
            if name in fresh or not is_needed(pod):
                continue
            if name in targets or not self._is_young(pod):
                raise self._untold(name, targets, attempts, now)
        scrapes = self._scrapes(pods, wanted.names, fresh, now)
        self._has_read = True
        times = [scrape.at for _, _, scrape in scrapes] or [now]
        told = [Told(pod, process, scrape.text) for pod, process, scrape in scrapes]
        return Counted(told, Taken(min(times), max(times), now))

    def _see(self, pods: Sequence[Object]) -> None:
        # Those that are there at the first look have a history, which must be known before any
        # growth is measured: it would be taken for what happened meanwhile.
        since = time.monotonic() if self._has_read else -math.inf
        for pod in pods:
            self._seen_since.setdefault(pod["metadata"]["uid"], since)

    def _is_young(self, pod: Object) -> bool:
        """Tell whether a pod is new, and Prometheus may not have come to it yet.

        What it counts until then is counted when it is known: all of it has happened meanwhile.
        Waited for, each pod that an autoscaler adds would stop the evidence of all others.
        """
        since = self._seen_since[pod["metadata"]["uid"]]
        return time.monotonic() - since <= self._server.stale_after_s

    def _targets(self, attempts: Sequence[Series], since: float) -> dict[str, Target]:
        try:
            return last_targets(attempts, self._server.pod_label, since)
        except ValueError as error:
            raise PlatformFailed(
                f"Prometheus at {self._api.url} counts the same twice",
                why=str(error),
                hint='have `selector` of `prometheus` in targets.yaml pick one, by job="..." say',
            ) from error

    def _scrapes(
        self,
        pods: Sequence[Object],
        names: Collection[str],
        fresh: Mapping[str, Target],
        now: float,
    ) -> list[tuple[Object, str, Scrape]]:
        asked = [pod for pod in pods if name_of_pod(pod) in fresh]
        if not asked:
            return []
        window_s = now - min(fresh[name_of_pod(pod)].last for pod in asked) + _EDGE_S
        series: dict[str, list[Series]] = {}
        for each in self._samples([*names, STARTED], asked, now, window_s):
            series.setdefault(each.labels.get(self._server.pod_label, ""), []).append(each)
        scrapes = []
        for pod in asked:
            name = name_of_pod(pod)
            scrape = scrape_of(series.get(name, []), fresh[name])
            scrapes.append((pod, *self._processes.follow(name, scrape)))
        return scrapes

    def _samples(
        self, names: Collection[str], pods: Sequence[Object], now: float, window_s: float
    ) -> list[Series]:
        wanted = "|".join(sorted(names))
        # A dot would stand for any character, and a backslash twice in a text of PromQL.
        called = "|".join(name_of_pod(pod).replace(".", "[.]") for pod in pods)
        matchers = f'{self._server.selector},{self._server.pod_label}=~"{called}"'
        return self._api.samples(f'{{__name__=~"{wanted}",{matchers}}}', now, window_s)

    def _untold(
        self, name: str, targets: Mapping[str, Target], attempts: Sequence[Series], now: float
    ) -> PlatformFailed:
        what = f"Prometheus at {self._api.url} does not tell what pod {name} counted"
        look_back = f"the last {_LOOK_BACK * self._server.stale_after_s:.0f} s"
        if not attempts:
            return PlatformFailed(
                what,
                why=f"it has no series `{UP}` with {self._server.selector} and the label "
                f"{self._server.pod_label} for any such pod in {look_back}",
                hint="check `selector` and `pod_label` of `prometheus` in targets.yaml, and that "
                "it reads these pods (its page /targets)",
            )
        if name in targets:
            why = (
                f"it last read that pod {now - targets[name].last:.0f} s ago "
                f"(limit {self._server.stale_after_s:.0f} s)"
            )
        elif any(each.labels.get(self._server.pod_label) == name for each in attempts):
            why = f"it could not read that pod in {look_back}"
        else:
            why = f"it did not try to read that pod in {look_back}"
        return PlatformFailed(
            what,
            why=why,
            hint=f"see {self._api.url}/targets; if it reads pods that seldom, raise "
            "`prometheus.stale_after_s` in targets.yaml",
        )
