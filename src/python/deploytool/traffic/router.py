"""Traefik as it runs: what it has in force, what it counted. Its files are written elsewhere."""

import time
from collections.abc import Mapping
from typing import Any

import httpx2

from deploytool.canary.observation import Snapshot
from deploytool.errors import PlatformFailed
from deploytool.traffic.metrics import read_snapshot
from deploytool.traffic.traefik_file import Route, service_name

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
        service = self._service(component)
        if service is None:
            return {}
        # A weight of 0 is left out of the answer.
        return {
            item["name"].removesuffix("@file"): item.get("weight", 0)
            for item in service.get("weighted", {}).get("services", [])
        }

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

    def snapshot(self, component: str) -> Snapshot:
        """Read the counters of both backends. Raises PlatformFailed."""
        text = self._get("/metrics").text
        return read_snapshot(text, component, time.monotonic())

    def _missing(self, route: Route) -> str | None:
        try:
            weights = dict(self.weights(route.component))
            wanted = route.weights if route.addresses else {}
            if weights != wanted:
                return f"weights in force: {weights or 'none'}, wanted: {wanted or 'none'}"
            for arm, address in route.addresses.items():
                servers = self._servers(service_name(route.component, arm))
                if servers != [address]:
                    return f"{arm} in force: {servers}, wanted: {address}"
        except PlatformFailed as error:
            return f"{error.what}: {error.why}"
        return None

    def _servers(self, service: str) -> list[str]:
        found = self._service(service) or {}
        return [server["url"] for server in found.get("loadBalancer", {}).get("servers", [])]

    def _service(self, name: str) -> dict[str, Any] | None:
        response = self._get(f"/api/http/services/{name}@file", missing_is_fine=True)
        if response.status_code == httpx2.codes.NOT_FOUND:
            return None
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
