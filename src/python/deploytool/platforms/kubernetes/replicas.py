"""A canary's share by the number of its pods behind one Service, where no router has weights.

No router tells the two apart either: what happened, each pod counts for itself.
"""

import time
from collections.abc import Sequence

from deploytool.canary.observation import Snapshot
from deploytool.errors import InvalidInput, PlatformFailed
from deploytool.platforms.base import Role
from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.inspection import Inspection
from deploytool.platforms.kubernetes.objects import (
    APPLIED,
    Key,
    Object,
    annotations_of,
    as_applied,
    selector,
)
from deploytool.platforms.kubernetes.pods import serves
from deploytool.platforms.kubernetes.ratio import (
    canary_pods,
    led_to,
    noted_percent,
    percent_of,
    with_share,
    without_given,
)
from deploytool.platforms.kubernetes.scraping import Counted, Source, Told, Wanted, name_of_pod
from deploytool.platforms.kubernetes.sharing import SHARE_S, Pods
from deploytool.system.counters import Counters
from deploytool.system.declaration import System
from deploytool.system.revision import Revision
from deploytool.traffic.gateway_counters import GatewayCounters
from deploytool.traffic.metrics import (
    GatewayScrape,
    own_metrics,
    read_own,
    with_common_buckets,
)

_LOOK_S = 0.1
_OF_SERVICE = "kubernetes.io/service-name"


class Replicas:
    """The Services of one namespace's components; see `Sharing` for what each method promises."""

    def __init__(
        self, cluster: Cluster, system: System, inspection: Inspection, source: Source
    ) -> None:
        self._cluster = cluster
        self._system = system
        self._inspection = inspection
        self._source = source
        self._counted: dict[str, GatewayCounters] = {}

    def require_support(self) -> None:
        """Raise InvalidInput where a visitor is to stay with a version, or nothing is counted."""
        for name, service in self._system.services.items():
            if service.canary.sticky_cookie is not None:
                raise InvalidInput(
                    f"{name}.canary.sticky_cookie cannot be had where pods make the shares",
                    why="nothing on the way to them chooses by what a request bears",
                    hint="leave it out for this target, or set `sharing: routes` in targets.yaml",
                )
            self._counters(name)

    def pods(self, stable: int, canary: int, percent: int) -> Pods:
        """Return as many as make the share, which may be fewer than there are."""
        del canary
        made = canary_pods(stable, percent)
        return Pods(made, made)

    def begin(self, revision: Revision, service: Object) -> None:
        """Note at the Service that there is a canary; it leads to stable's pods still."""
        del service  # the canary has none of its own
        if self.percent(revision.component) is None:
            self.give(revision.component, 0, SHARE_S)

    def percent(self, component: str) -> int | None:
        """Return the share that was wished for, while it fits the pods; else the ready pods'."""
        service = self._service(component)
        if noted_percent(service) is None:
            return None
        workloads = {role: self._inspection.deployment(component, role) for role in Role}
        wanted = {role: int(w["spec"]["replicas"]) if w else 0 for role, w in workloads.items()}
        ready = {role: len(self._inspection.ready_pods(component, role)) for role in Role}
        return percent_of(service, wanted, ready)

    def give(self, component: str, percent: int | None, deadline_s: float) -> None:
        """Have the Service lead to those that make the share; return once it does.

        Raises PlatformFailed when its endpoints do not follow in time.
        """
        service = self._service(component)
        wanted = with_share(service, percent)
        is_led_so = wanted["spec"]["selector"] == service["spec"]["selector"]
        if not is_led_so or noted_percent(service) != percent:
            mark = annotations_of(service).get(APPLIED, "")
            self._cluster.apply(as_applied(without_given(wanted), mark))
        self._await(component, deadline_s)

    def keep_share(self, wanted: Object, live: Object) -> Object:
        """Return a Service of the manifests that leads to whom the live one does."""
        is_shared = wanted["kind"] == "Service" and (
            wanted["metadata"]["name"] in self._system.services
        )
        percent = noted_percent(live) if is_shared else None
        return wanted if percent is None else with_share(wanted, percent)

    def observe(self, component: str) -> Snapshot:
        """Read the counters of all pods at once, summed up by role over all there were."""
        counted = self._counted.setdefault(component, GatewayCounters())
        running = {
            name_of_pod(pod): (role, pod)
            for role in Role
            for pod in self._inspection.pods(component, role)
            if pod["status"].get("phase") == "Running"
        }
        found = self._read(component, [pod for _, pod in running.values()])
        scrapes = {
            each.process: self._scrape(component, running[name_of_pod(each.pod)][0], each)
            for each in found.told
        }
        try:
            return counted.snapshot(with_common_buckets(scrapes), (), found.taken)
        except ValueError as error:
            raise PlatformFailed(
                f"the pods of {component} do not count alike",
                why=str(error),
                hint="wait until each role's pods are of one revision",
            ) from error

    def _read(self, component: str, pods: Sequence[Object]) -> Counted:
        counters = self._counters(component)
        wanted = Wanted(None, counters.path, own_metrics(counters))
        # One that is about to end, or is not ready, is asked as well: how its last requests
        # ended matters. If it does not answer any more, what it counted before stays counted.
        return self._source.read(pods, wanted, serves)

    def _scrape(self, component: str, role: Role, told: Told) -> GatewayScrape:
        try:
            counted = read_own(told.text, self._counters(component))
        except (ValueError, LookupError) as error:
            raise PlatformFailed(
                f"pod {name_of_pod(told.pod)} does not count as declared",
                why=str(error),
                hint=f"correct {component}.counters in system.yaml",
            ) from error
        return GatewayScrape({role.arm: counted}, unserved=0)

    def _counters(self, component: str) -> Counters:
        found = self._system.services[component].counters
        if found is None:
            raise InvalidInput(
                f"{component} does not say what it counts of its own requests",
                why="where pods make the shares, no router counts them by version",
                hint=f"declare {component}.counters in system.yaml",
            )
        return found

    def _service(self, component: str) -> Object:
        found = self._cluster.get(Key("v1", "Service", self._cluster.namespace, component))
        if found is None:
            raise PlatformFailed(
                f"there is no Service/{component}",
                why="it was deleted, or not applied yet",
                hint="run `deploytool up`; it applies what is declared",
            )
        return found

    def _await(self, component: str, deadline_s: float) -> None:
        deadline = time.monotonic() + deadline_s
        while (told := self._told(component)) != (wanted := self._wanted(component)):
            if time.monotonic() > deadline:
                raise PlatformFailed(
                    f"Service/{component} does not lead to the pods it selects "
                    f"after {deadline_s:.0f} s",
                    why=f"not rightly known: {', '.join(sorted(told ^ wanted))}",
                    hint="see `kubectl get endpointslices`; the cluster's controllers may be away",
                )
            time.sleep(_LOOK_S)

    def _wanted(self, component: str) -> set[str]:
        pods = [pod for pod in self._inspection.pods(component) if serves(pod)]
        return led_to(self._service(component), pods)

    def _told(self, component: str) -> set[str]:
        """Return the pods that whoever sends requests to the Service is told of."""
        slices = self._cluster.list(
            "discovery.k8s.io/v1", "EndpointSlice", selector({_OF_SERVICE: component})
        )
        return {
            str(endpoint["targetRef"]["name"])
            for each in slices
            for endpoint in each.get("endpoints") or []
            if (endpoint.get("conditions") or {}).get("ready") and "targetRef" in endpoint
        }
