"""The folder of route files that a router watches, and the router as it took them over."""

import contextlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from deploytool.errors import PlatformFailed
from deploytool.platforms.files import read, write
from deploytool.system.declaration import Service
from deploytool.traffic.router import TraefikApi
from deploytool.traffic.traefik_file import Arm, Route, parse_route, render_route


@dataclass(frozen=True, slots=True)
class Routed:
    """An instance that should be routed to. address: its base URL."""

    component: str
    service: Service
    arm: Arm
    address: str


class RouteFolder:
    """One file for each routed component. mode: of these files."""

    def __init__(self, folder: Path, *, mode: int = 0o600) -> None:
        self._folder = folder
        self._mode = mode

    def routes(self) -> list[Route]:
        """Return the routes kept, in force or not."""
        if not self._folder.is_dir():
            return []
        kept = (self.route(path.stem) for path in sorted(self._folder.glob("*.yaml")))
        return [route for route in kept if route is not None]

    def route(self, component: str) -> Route | None:
        """Return the route kept for a component, None when it is not routed."""
        text = read(self._file(component))
        return None if text is None else parse_route(component, text)

    def keep(self, route: Route) -> None:
        """Write the route; the router takes it over by itself."""
        path = self._file(route.component)
        text = render_route(route)
        if read(path) != text:
            write(path, text, self._mode)

    def take_over(self, route: Route, api: TraefikApi, deadline_s: float) -> None:
        """Write the route and wait until it is in force, unless the router does not run."""
        self.keep(route)
        if not api.complaint():
            api.await_route(route, deadline_s)

    def with_instance(self, component: str, service: Service, arm: Arm, address: str) -> Route:
        """Return the component's route to an instance as well; a canary gets no requests yet."""
        known = self.route(component) or Route(component, service.route, {})
        route = replace(
            known,
            prefix=service.route,
            header=service.canary.header,
            answer_within_s=service.answer_within_s,
        )
        if arm == "canary" and arm not in route.addresses:
            route = replace(route, cookie=_cookie(service.canary.sticky_cookie))
        return route.with_address(arm, address)

    def changes(self, instances: Iterable[Routed]) -> Mapping[str, str]:
        """Return the routes that are not as declared for these instances -> how they change."""
        changes = {}
        for each in instances:
            kept = self.route(each.component)
            wanted = self.with_instance(each.component, each.service, each.arm, each.address)
            if kept is None or render_route(kept) != render_route(wanted):
                changes[f"route of {each.component}"] = _difference(kept, wanted)
        return changes

    def keep_all(self, instances: Iterable[Routed]) -> None:
        """Write the routes as declared for these instances."""
        for each in instances:
            self.keep(self.with_instance(each.component, each.service, each.arm, each.address))

    def remove(self, component: str, arm: Arm, api: TraefikApi, deadline_s: float) -> bool:
        """Take an instance off, and wait until it is off; return whether it was on."""
        route = self.route(component)
        if route is None or arm not in route.addresses:
            return False
        self.take_over(route.without(arm), api, deadline_s)
        return True

    def set_weight(
        self, component: str, canary_percent: int, api: TraefikApi, deadline_s: float
    ) -> None:
        """Write the share of the canary and wait until it is in force. Raises PlatformFailed."""
        route = self.route(component)
        if route is None or "canary" not in route.addresses:
            if canary_percent == 0:
                return
            raise PlatformFailed(
                f"{component} has no canary to send {canary_percent} % to",
                why="none is routed",
                hint="see `deploytool status`",
            )
        route = replace(route, canary_percent=canary_percent)
        self.keep(route)
        api.await_route(route, deadline_s)

    def complaint(self, api: TraefikApi) -> str:
        """Return "" when the router serves what is kept, else what is wrong.

        After a start it answers before it has read its routes.
        """
        complaint = api.complaint()
        if complaint:
            return complaint
        for route in self.routes():
            if not api.weights(route.component):
                return f"the route of {route.component} is not in force"
        return ""

    def forget(self) -> None:
        """Delete all routes."""
        for path in self._folder.glob("*.yaml"):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()

    def _file(self, component: str) -> Path:
        return self._folder / f"{component}.yaml"


def _cookie(declared: str | None) -> str | None:
    """Return the name of the cookie for one canary.

    With the same name for all, each canary would begin with the visitors of the one before: with
    half of them, whatever its own first step says.
    """
    return declared and f"{declared}-{secrets.token_hex(4)}"


def _difference(kept: Route | None, wanted: Route) -> str:
    """Say what is different of a route, in the words of the declaration."""
    if kept is None:
        return "is missing"
    compared = (
        ("route", kept.prefix, wanted.prefix),
        ("header", kept.header, wanted.header),
        ("answer_within_s", kept.answer_within_s, wanted.answer_within_s),
        ("address", " ".join(kept.addresses.values()), " ".join(wanted.addresses.values())),
    )
    return ", ".join(
        f"{name}: {was or 'none'} -> {now or 'none'}" for name, was, now in compared if was != now
    )
