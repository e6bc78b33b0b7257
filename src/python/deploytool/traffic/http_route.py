"""HTTPRoutes of the Gateway API: a component's share between stable and canary. Pure.

The share is a pair of weights between two Services, in each rule that leads to the component. Those
who ask for a version by header are led by rules of their own, after these, which the router
counts apart: they are no random sample of the visitors.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from deploytool.canary.weights import router_weights
from deploytool.traffic.traefik_file import ARMS, Arm

Object = dict[str, Any]

# Several shares may have the same weights: the one that was wished for is kept beside them.
PERCENT = "deploytool/canary-percent"
_PINS: Mapping[Arm, str] = {"canary": "always", "stable": "never"}


def with_canary(
    route: Object, services: Mapping[Arm, str], percent: int, header: str | None
) -> Object:
    """Return the route with both backends. percent: the canary's share of the requests.

    services: the name of each arm's Service. header: see CanaryPolicy.header.
    """
    plain = without_canary(route, services)
    stable, canary = router_weights(percent)
    weights: Mapping[Arm, int] = {"stable": stable, "canary": canary}
    rules, pinned = [], []
    for rule in plain["spec"]["rules"]:
        backend = _backend(rule, services["stable"])
        if backend is None:
            rules.append(rule)
            continue
        both = [{**backend, "name": services[arm], "weight": weights[arm]} for arm in ARMS]
        rules.append({**rule, "backendRefs": both})
        # Between 0 and 100 % both take requests; else one may not be ready to be asked for.
        if header and stable and canary:
            for arm, pin in _PINS.items():
                pinned.append(_pinned(rule, backend, services[arm], header, pin))
    # At the end: whatever comes and goes there, the others keep their places, by which the router
    # names what it counts. That a header is asked for goes before all the same.
    rules += pinned
    annotations = {**(plain["metadata"].get("annotations") or {}), PERCENT: str(percent)}
    meta = {**plain["metadata"], "annotations": annotations}
    return {**plain, "metadata": meta, "spec": {**plain["spec"], "rules": rules}}


def without_canary(route: Object, services: Mapping[Arm, str]) -> Object:
    """Return the route with stable as its only backend."""
    rules = []
    for rule in route["spec"]["rules"]:
        backend = _backend(rule, services["stable"])
        if backend is None and _backend(rule, services["canary"]) is not None:
            continue  # for those who asked for the canary
        # A rule that leads elsewhere may ask for the same words.
        if backend is not None and _is_pinned(rule):
            continue
        rules.append(rule if backend is None else {**rule, "backendRefs": [_plain(backend)]})
    meta = route["metadata"]
    notes = {k: v for k, v in (meta.get("annotations") or {}).items() if k != PERCENT}
    kept = {k: v for k, v in meta.items() if k != "annotations"}
    return {
        **route,
        "metadata": {**kept, "annotations": notes} if notes else kept,
        "spec": {**route["spec"], "rules": rules},
    }


def shared_rules(route: Object, services: Mapping[Arm, str]) -> int:
    """Return how many rules the route has before those for who asked for a version."""
    return len(without_canary(route, services)["spec"]["rules"])


def canary_percent(route: Object, services: Mapping[Arm, str]) -> int | None:
    """Return the canary's share that the route asks for; None when it leads to no canary."""
    for rule in route["spec"]["rules"]:
        shares: dict[str, int] = {
            ref["name"]: ref.get("weight", 1) for ref in rule.get("backendRefs") or []
        }
        if services["canary"] in shares and services["stable"] in shares:
            noted = (route["metadata"].get("annotations") or {}).get(PERCENT, "")
            if noted.isdigit() and _as_wished(shares, services, int(noted)):
                return int(noted)
            return round(100 * shares[services["canary"]] / (sum(shares.values()) or 1))
    return None


def canary_share(routes: Iterable[Object], services: Mapping[Arm, str]) -> float | None:
    """Return the canary's share (0-1) of the requests by weight, if all rules give it the same.

    None where one version gets everything.
    """
    shares = set()
    for rule in (rule for route in routes for rule in route["spec"]["rules"]):
        weights = {ref["name"]: ref.get("weight", 1) for ref in rule.get("backendRefs") or []}
        canary, stable = (weights.get(services[arm], 0) for arm in ("canary", "stable"))
        if services["canary"] in weights and services["stable"] in weights:
            shares.add(canary / (canary + stable or 1))
    share = shares.pop() if len(shares) == 1 else 0.0
    return share if 0 < share < 1 else None


def leads_to(route: Object, service: str) -> bool:
    """Tell whether a rule of the route leads to a Service."""
    return any(_backend(rule, service) is not None for rule in route["spec"]["rules"])


def unaccepted(route: Object) -> str:
    """Return "" when every gateway has taken over the route as it is, else what is missing."""
    parents = (route.get("status") or {}).get("parents") or []
    if len(parents) < len(route["spec"].get("parentRefs") or []):
        return "no gateway has taken it over yet"
    for parent in parents:
        conditions = parent.get("conditions") or []
        for each in conditions:
            if each.get("observedGeneration", 0) < route["metadata"].get("generation", 0):
                return "the gateway has not seen its latest change yet"
            if each["type"] in {"Accepted", "ResolvedRefs"} and each["status"] != "True":
                return f"the gateway says {each['reason']}: {each.get('message', '')}"
        if not any(each["type"] == "Accepted" for each in conditions):
            return "a gateway has not said yet whether it takes it over"
    return ""


def _as_wished(shares: Mapping[str, int], services: Mapping[Arm, str], percent: int) -> bool:
    return tuple(shares[services[arm]] for arm in ARMS) == router_weights(percent)


def _backend(rule: Object, service: str) -> Object | None:
    return next((ref for ref in rule.get("backendRefs") or [] if ref["name"] == service), None)


def _plain(backend: Object) -> Object:
    return {**backend, "weight": 1}


def _pinned(rule: Object, backend: Object, service: str, header: str, pin: str) -> Object:
    wanted = {"type": "Exact", "name": header, "value": pin}
    matches = [
        {**match, "headers": [*(match.get("headers") or []), wanted]}
        for match in rule.get("matches") or [{}]
    ]
    # A name is of one rule alone.
    unnamed = {name: value for name, value in rule.items() if name != "name"}
    backends = [{**_plain(backend), "name": service}]
    return {**unnamed, "matches": matches, "backendRefs": backends}


def _is_pinned(rule: Object) -> bool:
    pins = set(_PINS.values())
    return any(
        wanted.get("value") in pins
        for match in rule.get("matches") or []
        for wanted in match.get("headers") or []
    )
