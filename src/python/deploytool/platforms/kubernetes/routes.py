"""The share of a component's requests that goes to its canary: the weights of its HTTPRoutes."""

import time
from collections.abc import Mapping, Sequence

from deploytool.canary.observation import Snapshot
from deploytool.errors import InvalidInput, PlatformFailed
from deploytool.platforms.base import Role
from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.gateway import ClusterGateway
from deploytool.platforms.kubernetes.objects import (
    APPLIED,
    FOUNDATION,
    MANAGER,
    Object,
    annotations_of,
    as_applied,
    declared,
    with_marks,
)
from deploytool.platforms.kubernetes.sharing import SHARE_S, Pods
from deploytool.platforms.kubernetes.workloads import canary_replicas, canary_service, name_of
from deploytool.system.declaration import System
from deploytool.system.revision import Revision
from deploytool.traffic.http_route import (
    canary_percent,
    canary_share,
    leads_to,
    shared_rules,
    unaccepted,
    with_canary,
    without_canary,
)
from deploytool.traffic.traefik_file import Arm

VERSION, KIND = "gateway.networking.k8s.io/v1", "HTTPRoute"
_LOOK_S = 0.1
_ALL = 100


class Routes:
    """The HTTPRoutes of one namespace; see `Sharing` for what each method promises."""

    def __init__(self, cluster: Cluster, system: System, gateway: ClusterGateway) -> None:
        self._cluster = cluster
        self._system = system
        self._gateway = gateway

    def require_support(self) -> None:
        """Raise InvalidInput for what the declaration wants and the Gateway API cannot do."""
        for name, service in self._system.services.items():
            if service.canary.sticky_cookie is not None:
                raise InvalidInput(
                    f"{name}.canary.sticky_cookie cannot be had on this platform",
                    why="the Gateway API has no stable field for it yet",
                    hint="leave it out for this target, or use `header`",
                )

    def pods(self, stable: int, canary: int, percent: int) -> Pods:
        """Return as many as have no more to do each than one of stable's, or as there are.

        Never fewer: what a canary has is needed until another share is in force. One can serve any
        share if need be, but for the whole one: then stable's pods are about to be replaced.
        """
        wanted = canary_replicas(stable, percent)
        return Pods(max(canary, wanted), wanted if percent == _ALL else 1)

    def begin(self, revision: Revision, service: Object) -> None:
        """Make the canary's Service like stable's, and put it into the routes."""
        component = revision.component
        made = canary_service(service, component, revision.id)
        self._cluster.apply(with_marks(made, {MANAGER: "deploytool"}))
        if self.percent(component) is None:
            self.give(component, 0, SHARE_S)

    def percent(self, component: str) -> int | None:
        """Return the canary's share that is asked for; None when there is no canary.

        Of several routes the smallest: an operation that was killed may not have come to all.
        """
        return _least_percent(self.of(component), arms(component))

    def give(self, component: str, percent: int | None, deadline_s: float) -> None:
        """Give the canary its share, None without one; return when every gateway has it.

        Raises PlatformFailed, with the gateway's own words, when it does not take it over in time.
        """
        found = self.of(component)
        if not found:
            raise PlatformFailed(
                f"no HTTPRoute leads to {component}",
                why="neither its name nor its backends are the component's",
                hint="run `deploytool up`; it applies what is declared",
            )
        for route in found:
            wanted = self._shared(route, component, percent)
            if declared(wanted) != declared(route):
                self._cluster.apply(as_applied(wanted, annotations_of(route).get(APPLIED, "")))
        self._await(component, deadline_s)

    def keep_share(self, wanted: Object, live: Object) -> Object:
        """Return a route of the manifests with the share that the live one has."""
        if wanted["kind"] != KIND:
            return wanted
        for component in self._system.services:
            percent = canary_percent(live, arms(component))
            if percent is not None:
                applied = annotations_of(wanted)[APPLIED]
                wanted = as_applied(self._shared(wanted, component, percent), applied)
        return wanted

    def observe(self, component: str) -> Snapshot:
        """Read both backends' counters from each of the gateway's pods."""
        services, routes = arms(component), self.of(component)
        rules = max((shared_rules(route, services) for route in routes), default=1)
        percent = _least_percent(routes, services) or 0
        share = canary_share(routes, services)
        return self._gateway.observe(component, services, rules, percent, share)

    def of(self, component: str) -> list[Object]:
        """Return the routes that lead to a component."""
        found = self._cluster.list(VERSION, KIND)
        return [each for each in found if leads_to(each, name_of(component, Role.STABLE))]

    def _shared(self, route: Object, component: str, percent: int | None) -> Object:
        if percent is None:
            return without_canary(route, arms(component))
        header = self._system.services[component].canary.header
        return with_canary(route, arms(component), percent, header)

    def _await(self, component: str, deadline_s: float) -> None:
        deadline = time.monotonic() + deadline_s
        while missing := next(filter(None, map(unaccepted, self.of(component))), ""):
            if time.monotonic() > deadline:
                raise PlatformFailed(
                    f"the gateway did not take over the route of {component} "
                    f"within {deadline_s:.0f} s",
                    why=missing,
                    hint="see the gateway's log with `deploytool logs`",
                )
            time.sleep(_LOOK_S)


def _least_percent(routes: Sequence[Object], services: Mapping[Arm, str]) -> int | None:
    shares = [canary_percent(each, services) for each in routes]
    if all(share is None for share in shares):
        return None
    return min(share or 0 for share in shares)


def arms(component: str) -> Mapping[Arm, str]:
    """Return the name of each arm's Service."""
    return {role.arm: name_of(component, role) for role in Role}


def complaint(cluster: Cluster) -> str:
    """Return "" when the gateway has taken over every route that was applied, else what is missing.

    Others' routes in the namespace are theirs to care for.
    """
    for route in cluster.list(VERSION, KIND, FOUNDATION):
        if missing := unaccepted(route):
            return f"{KIND}/{route['metadata']['name']}: {missing}"
    return ""
