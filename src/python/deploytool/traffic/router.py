"""Traefik as it runs: what it has in force, what it counted. Its files are written elsewhere."""

import time
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import httpx2

from deploytool.canary.observation import Snapshot
from deploytool.errors import PlatformFailed
from deploytool.traffic.metrics import read_snapshot
from deploytool.traffic.traefik_file import ARMS, Route, pinned_name, service_name

_TIMEOUT_S = 2.0
_POLL_S = 0.03


class TraefikApi:
    """A client of one Traefik's API, ping and metrics, all on one address."""

    def __init__(self, address: str) -> None:
        self._http = httpx2.Client(base_url=address, timeout=_TIMEOUT_S, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def complaint(self) -> str:
        """Return "" when it answers its ping, else why not."""
        try:
            status = self._http.get("/ping").status_code
        except httpx2.HTTPError as error:
            return f"no answer to its ping: {error}"
        return "" if status == httpx2.codes.OK else f"its ping answers HTTP {status}"

    def weights(self, component: str) -> Mapping[str, int]:
        """Return the weights in force, by service; empty when the component is not routed."""
        return _weights(self._find("services", component))

    def canary_percent(self, component: str, kept: Route | None) -> int:
        """Return the canary's share of the requests that is in force.

        kept: the route that should be; its share is exact if its weights are those in force.
        """
        weights = self.weights(component)
        if kept is not None and weights == kept.weights:
            return kept.canary_percent
        canary = weights.get(service_name(component, "canary"), 0)
        return round(100 * canary / (sum(weights.values()) or 1))

    def await_route(self, route: Route, deadline_s: float) -> None:
        """Return once the route is in force. Raises PlatformFailed, saying what is instead."""
        deadline = time.monotonic() + deadline_s
        while (missing := self._missing(route)) is not None:
            if time.monotonic() > deadline:
                raise PlatformFailed(
                    f"the router did not take over the route of {route.component} "
                    f"within {deadline_s:.0f} s",
                    why=missing,
                    hint="see the gateway's log with `deploytool logs`",
                )
            time.sleep(_POLL_S)

    def snapshot(self, component: str, kept: Route | None = None) -> Snapshot:
        """Read the counters of both backends. kept: the route in force. Raises PlatformFailed."""
        text = self._get("/metrics").text
        snapshot = read_snapshot(text, component, time.monotonic())
        if kept is None:
            return snapshot
        return snapshot.model_copy(update={"share": kept.share, "load_ratio": kept.load_ratio})

    def _missing(self, route: Route) -> str | None:
        try:
            for what, found, wanted in self._compare(route):
                if found != wanted:
                    return f"{what} in force: {found or 'none'}, wanted: {wanted or 'none'}"
        except PlatformFailed as error:
            return f"{error.what}: {error.why}"
        return None

    def _compare(self, route: Route) -> Iterator[tuple[str, object, object]]:
        """Yield what a route consists of: its name, what is in force, what should be."""
        name = route.component
        balancer = self._find("services", name)
        yield "weights", _weights(balancer), route.weights if route.addresses else {}
        cookie = balancer.get("weighted", {}).get("sticky", {}).get("cookie", {})
        yield "sticky cookie", cookie.get("name"), route.sticky_cookie
        pinned = [pinned_name(name, arm) for arm in ARMS]
        for service in [*(service_name(name, arm) for arm in ARMS), *pinned]:
            backend = self._find("services", service).get("loadBalancer", {})
            servers = backend.get("servers", [])
            address = servers[0]["url"] if servers else None
            yield f"backend of {service}", address, route.servers.get(service)
            transport = backend.get("serversTransport", "").removesuffix("@file") or None
            wanted = route.transport if service in route.servers else None
            yield f"limits of time of {service}", transport, wanted
        for router in [name, *pinned]:
            rule = self._find("routers", router).get("rule")
            yield f"rule of {router}", rule, route.rules.get(router)

    def _find(self, kind: Literal["routers", "services"], name: str) -> dict[str, Any]:
        """Return the router or service in force, {} when there is none of this name."""
        response = self._get(f"/api/http/{kind}/{name}@file", missing_is_fine=True)
        if response.status_code == httpx2.codes.NOT_FOUND:
            return {}
        answer: dict[str, Any] = response.json()
        return answer

    def _get(self, path: str, *, missing_is_fine: bool = False) -> httpx2.Response:
        try:
            response = self._http.get(path)
        except httpx2.HTTPError as error:
            raise PlatformFailed(
                "the router does not answer",
                why=f"{type(error).__name__}: {error}",
                hint="run `deploytool up`; it starts what does not run",
            ) from error
        is_missing = response.status_code == httpx2.codes.NOT_FOUND
        if response.status_code != httpx2.codes.OK and not (is_missing and missing_is_fine):
            raise PlatformFailed(
                f"the router refused {path}",
                why=f"HTTP {response.status_code}",
                hint="see the gateway's log with `deploytool logs`",
            )
        return response


def _weights(balancer: Mapping[str, Any]) -> dict[str, int]:
    # A weight of 0 is left out of the router's answer.
    return {
        item["name"].removesuffix("@file"): item.get("weight", 0)
        for item in balancer.get("weighted", {}).get("services", [])
    }
