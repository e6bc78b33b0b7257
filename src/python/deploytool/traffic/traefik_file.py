"""Traefik's file provider: one file for each routed component. Pure text, nothing is written."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any, Literal

import yaml

from deploytool.canary.weights import load_ratio, router_weights

Arm = Literal["stable", "canary"]
ARMS: tuple[Arm, ...] = ("stable", "canary")
# What the header says to be served by a backend whatever the weight.
_PINS: Mapping[Arm, str] = {"stable": "never", "canary": "always"}

# A backend that is gone refuses at once; one whose machine is gone must not hold its callers.
_DIAL_S = 2
# Services keep idle connections longer than this, so that none is closed under a request.
_IDLE_S = 30
# Each canary has a cookie of its own: without an end, a browser that is never closed would gather
# them until its requests are too large.
_COOKIE_S = 86_400
# Comments at the head of a file hold what the rest does not show: several shares may have the same
# weights, and header and cookie are in force between 0 and 100 % alone.
_SHARE, _HEADER, _COOKIE = "canary percent", "header", "cookie"
_ANSWER = "responseHeaderTimeout"


@dataclass(frozen=True, slots=True)
class Route:
    """How the router serves one component.

    prefix: taken off the path before a backend sees it. addresses: base URL of each backend that
    exists. canary_percent: the canary's share of the requests while both exist. header: the name of
    a request header that says `always` or `never` to the canary; None without. cookie: the name of
    a cookie that keeps a visitor at the backend met first, while this canary lasts; None without.
    answer_within_s: after that time without the beginning of an answer the router answers 504, and
    counts it for the backend; None without a limit. What an answer's body takes is not limited.
    """

    component: str
    prefix: str
    addresses: Mapping[Arm, str]
    canary_percent: int = 0
    header: str | None = None
    cookie: str | None = None
    answer_within_s: float | None = None

    @property
    def weights(self) -> dict[str, int]:
        """The router's weight for each backend, by its service's name."""
        arms = list(self.addresses)
        if len(arms) == 1:
            return {service_name(self.component, arms[0]): 1}
        stable, canary = router_weights(self.canary_percent)
        weights: dict[Arm, int] = {"stable": stable, "canary": canary}
        return {service_name(self.component, arm): weights[arm] for arm in arms}

    @property
    def share(self) -> float | None:
        """The canary's share (0-1) of the requests; None where visitors choose, or one has all."""
        if not self.is_split or self.cookie is not None:
            return None
        weights = self.weights
        return weights[service_name(self.component, "canary")] / sum(weights.values())

    @property
    def load_ratio(self) -> float:
        """How many times the load of stable the canary carries: each is one process."""
        return load_ratio(self.canary_percent)

    @property
    def is_split(self) -> bool:
        """Both backends take requests. Otherwise one may not be ready: nobody may ask for it."""
        return len(self.addresses) == len(ARMS) and all(self.weights.values())

    @property
    def servers(self) -> dict[str, str]:
        """The base URL of the backend behind each of the router's services that has one."""
        return {
            **{service_name(self.component, arm): url for arm, url in self.addresses.items()},
            **{pinned_name(self.component, arm): self.addresses[arm] for arm in self._pins},
        }

    @property
    def rules(self) -> dict[str, str]:
        """The rule of each of the router's routers, by the name that it shares with its service."""
        if not self.addresses:
            return {}
        rule = _rule(self.prefix)
        return {
            self.component: rule,
            **{
                pinned_name(self.component, arm): f"({rule}) && Header(`{self.header}`, `{pin}`)"
                for arm, pin in self._pins.items()
            },
        }

    @property
    def transport(self) -> str:
        """The name of the router's limits of time: they show nowhere else once in force."""
        if self.answer_within_s is None:
            return self.component
        return f"{self.component}-{_duration(self.answer_within_s)}"

    @property
    def sticky_cookie(self) -> str | None:
        """The name of the cookie in force. At 0 and 100 % none is given: nobody has chosen."""
        return self.cookie if self.is_split else None

    @property
    def _pins(self) -> Mapping[Arm, str]:
        return _PINS if self.header and self.is_split else {}

    def with_address(self, arm: Arm, address: str) -> "Route":
        """Return the route with this backend."""
        # In a fixed order, so that the same route is the same text.
        both: dict[Arm, str] = {**self.addresses, arm: address}
        return replace(self, addresses={a: both[a] for a in ARMS if a in both})

    def without(self, arm: Arm) -> "Route":
        """Return the route without this backend; the other one serves everything."""
        left = {a: u for a, u in self.addresses.items() if a != arm}
        percent = 0 if arm == "canary" else 100
        return replace(self, addresses=left, canary_percent=percent, cookie=None)


def service_name(component: str, arm: Arm) -> str:
    """Return the name under which the router counts a backend's share of the requests."""
    return f"{component}-{arm}"


def pinned_name(component: str, arm: Arm) -> str:
    """Return the name under which the router counts requests that ask for a backend by header.

    Apart from the others, since who asks for a version is no random sample of the visitors.
    """
    return f"{service_name(component, arm)}-pinned"


def render_route(route: Route) -> str:
    """Return the file for a route; for one without backends, a file that routes nothing."""
    if not route.addresses:
        return "{}\n"
    name = route.component
    http = {
        "routers": {
            router: {
                "entryPoints": ["web"],
                "rule": rule,
                "priority": _priority(route, router),
                "middlewares": [name],
                "service": router,
            }
            for router, rule in route.rules.items()
        },
        "middlewares": {name: {"stripPrefix": {"prefixes": [route.prefix]}}},
        "services": {**_backends(route), name: {"weighted": _weighted(route)}},
        "serversTransports": {route.transport: {"forwardingTimeouts": _timeouts(route)}},
    }
    return _head(route) + yaml.safe_dump({"http": http}, sort_keys=False)


def _backends(route: Route) -> dict[str, Any]:
    return {
        service: {
            "loadBalancer": {
                "servers": [{"url": address}],
                "passHostHeader": True,
                "serversTransport": route.transport,
            }
        }
        for service, address in route.servers.items()
    }


def _timeouts(route: Route) -> dict[str, str]:
    answer_s = route.answer_within_s
    return {
        "dialTimeout": _duration(_DIAL_S),
        **({} if answer_s is None else {_ANSWER: _duration(answer_s)}),
        "idleConnTimeout": _duration(_IDLE_S),
    }


def _duration(seconds: float) -> str:
    """Return a time as Traefik writes it."""
    return f"{seconds:g}s"


def _weighted(route: Route) -> dict[str, Any]:
    services = [{"name": key, "weight": share} for key, share in route.weights.items()]
    if route.sticky_cookie is None:
        return {"services": services}
    cookie = {
        "name": route.sticky_cookie,
        "httpOnly": True,
        "sameSite": "lax",
        "path": route.prefix.rstrip("/") or "/",
        "maxAge": _COOKIE_S,
    }
    return {"services": services, "sticky": {"cookie": cookie}}


def _rule(prefix: str) -> str:
    """Return the rule for a path and all below it, but not for longer names: /app, not /apple."""
    path = prefix.rstrip("/")
    return f"Path(`{path}`) || PathPrefix(`{path}/`)" if path else "PathPrefix(`/`)"


def _priority(route: Route, router: str) -> int:
    """Return Traefik's priority: longer paths first, of one path the requests with the header.

    By itself Traefik puts longer rules first, and a header makes the rule of a short path long.
    """
    return 2 * len(route.prefix.rstrip("/")) + (1 if router == route.component else 2)


def _head(route: Route) -> str:
    kept = {_SHARE: route.canary_percent, _HEADER: route.header, _COOKIE: route.cookie}
    return "".join(f"# {key}: {value}\n" for key, value in kept.items() if value is not None)


def parse_route(component: str, text: str) -> Route | None:
    """Return the route that a rendered file holds; None for one that routes nothing."""
    http = (yaml.safe_load(text) or {}).get("http")
    if not http:
        return None
    head = takewhile(lambda line: line.startswith("# "), text.splitlines())
    kept = dict(line.removeprefix("# ").split(": ", 1) for line in head)
    services = http["services"]
    addresses: dict[Arm, str] = {
        arm: services[key]["loadBalancer"]["servers"][0]["url"]
        for arm in ARMS
        if (key := service_name(component, arm)) in services
    }
    (transport,) = http["serversTransports"].values()
    limit = transport["forwardingTimeouts"].get(_ANSWER)
    return Route(
        component=component,
        prefix=http["middlewares"][component]["stripPrefix"]["prefixes"][0],
        addresses=addresses,
        canary_percent=int(kept[_SHARE]),
        header=kept.get(_HEADER),
        cookie=kept.get(_COOKIE),
        answer_within_s=None if limit is None else float(limit.removesuffix("s")),
    )
