"""Traefik's file provider: one file for each routed component. Pure text, nothing is written."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import yaml

from deploytool.canary.weights import router_weights

Arm = Literal["stable", "canary"]

# A backend that is gone refuses at once; one that hangs must not hold its callers for long.
_DIAL_S = 2
# Services keep idle connections longer than this, so that none is closed under a request.
_IDLE_S = 30
# First line of a file: several shares may have the same weights.
_SHARE = "# canary percent: "


@dataclass(frozen=True, slots=True)
class Route:
    """How the router serves one component.

    prefix: taken off the path before a backend sees it. addresses: base URL of each backend that
    exists. canary_percent: the canary's share of the requests while both exist.
    """

    component: str
    prefix: str
    addresses: Mapping[Arm, str]
    canary_percent: int = 0

    @property
    def weights(self) -> dict[str, int]:
        """The router's weight for each backend, by its service's name."""
        arms = list(self.addresses)
        if len(arms) == 1:
            return {service_name(self.component, arms[0]): 1}
        stable, canary = router_weights(self.canary_percent)
        weights: dict[Arm, int] = {"stable": stable, "canary": canary}
        return {service_name(self.component, arm): weights[arm] for arm in arms}

    def with_address(self, arm: Arm, address: str) -> "Route":
        """Return the route with this backend."""
        # In a fixed order, so that the same route is the same text.
        both: dict[Arm, str] = {**self.addresses, arm: address}
        return replace(self, addresses={a: both[a] for a in ("stable", "canary") if a in both})

    def without(self, arm: Arm) -> "Route":
        """Return the route without this backend; the other one serves everything."""
        left = {a: u for a, u in self.addresses.items() if a != arm}
        return replace(self, addresses=left, canary_percent=0 if arm == "canary" else 100)


def service_name(component: str, arm: Arm) -> str:
    """Return the name under which the router counts a backend."""
    return f"{component}-{arm}"


def render_route(route: Route) -> str:
    """Return the file for a route; for one without backends, a file that routes nothing."""
    if not route.addresses:
        return "{}\n"
    name = route.component
    services: dict[str, Any] = {
        service_name(name, arm): {
            "loadBalancer": {
                "servers": [{"url": address}],
                "passHostHeader": True,
                "serversTransport": name,
            }
        }
        for arm, address in route.addresses.items()
    }
    services[name] = {
        "weighted": {
            "services": [{"name": key, "weight": share} for key, share in route.weights.items()]
        }
    }
    http = {
        "routers": {
            name: {
                "entryPoints": ["web"],
                "rule": _rule(route.prefix),
                "middlewares": [name],
                "service": name,
            }
        },
        "middlewares": {name: {"stripPrefix": {"prefixes": [route.prefix]}}},
        "services": services,
        "serversTransports": {
            name: {
                "forwardingTimeouts": {
                    "dialTimeout": f"{_DIAL_S}s",
                    "idleConnTimeout": f"{_IDLE_S}s",
                }
            }
        },
    }
    share = f"{_SHARE}{route.canary_percent}\n"
    return share + yaml.safe_dump({"http": http}, sort_keys=False)


def _rule(prefix: str) -> str:
    """Return the rule for a path and all below it, but not for longer names: /app, not /apple."""
    path = prefix.rstrip("/")
    return f"Path(`{path}`) || PathPrefix(`{path}/`)" if path else "PathPrefix(`/`)"


def parse_route(component: str, text: str) -> Route | None:
    """Return the route that a rendered file holds; None for one that routes nothing."""
    http = (yaml.safe_load(text) or {}).get("http")
    if not http:
        return None
    arms: tuple[Arm, ...] = ("stable", "canary")
    services = http["services"]
    addresses: dict[Arm, str] = {
        arm: services[key]["loadBalancer"]["servers"][0]["url"]
        for arm in arms
        if (key := service_name(component, arm)) in services
    }
    return Route(
        component=component,
        prefix=http["middlewares"][component]["stripPrefix"]["prefixes"][0],
        addresses=addresses,
        canary_percent=int(text.partition("\n")[0].removeprefix(_SHARE)),
    )
