"""Within what time services answer, as objects of a cluster tell it to the gateway. Pure.

An HTTPRoute has a limit in each of its rules. Traefik (3.7) pays no heed to it, and takes none for
a backend in another way: its one limit for all is an argument, here the greatest that is declared.
"""

from collections.abc import Mapping, Sequence

from deploytool.traffic.http_route import Object, leads_to

_TRAEFIK = "--providers.kubernetes"
_ARGUMENT = "--serverstransport.forwardingtimeouts.responseheadertimeout="


def with_answer_limits(item: Object, limits_s: Mapping[str, float]) -> Object:
    """Return an object of the manifests with the limits, if it is one that has any.

    limits_s: for each Service that routes lead to, the seconds after which the gateway answers 504.
    """
    if item["kind"] == "HTTPRoute":
        rules = [_limited(rule, limits_s) for rule in item["spec"].get("rules") or []]
        return {**item, "spec": {**item["spec"], "rules": rules}}
    template = (item.get("spec") or {}).get("template") or {}
    containers = (template.get("spec") or {}).get("containers") or []
    if not any(map(_is_traefik, containers)):
        return item
    limit = duration(max(limits_s.values()))
    told = [_told(each, limit) if _is_traefik(each) else each for each in containers]
    pod = {**template["spec"], "containers": told}
    return {**item, "spec": {**item["spec"], "template": {**template, "spec": pod}}}


def duration(seconds: float) -> str:
    """Return a time as the Gateway API writes it, which Go and so Traefik read as well.

    Whole numbers of at most 5 digits, units from large to small.
    https://gateway-api.sigs.k8s.io/geps/gep-2257/
    """
    whole, thousandths = divmod(round(1000 * seconds), 1000)
    parts = [(whole, "s"), (thousandths, "ms")]
    return "".join(f"{number}{unit}" for number, unit in parts if number)


def _limited(rule: Object, limits_s: Mapping[str, float]) -> Object:
    """Return a rule with the limit of what it leads to; of several, the greatest."""
    found = [limits_s[name] for name in limits_s if leads_to({"spec": {"rules": [rule]}}, name)]
    return {**rule, "timeouts": {"request": duration(max(found))}} if found else rule


def _is_traefik(container: Object) -> bool:
    """Tell whether a container is a Traefik that takes its configuration from arguments."""
    return any(each.lower().startswith(_TRAEFIK) for each in container.get("args") or [])


def _told(container: Object, limit: str) -> Object:
    arguments: Sequence[str] = container["args"]
    wanted = f"{_ARGUMENT}{limit}"
    replaced = [wanted if _is_limit(each) else each for each in arguments]
    is_there = any(map(_is_limit, arguments))
    return {**container, "args": replaced if is_there else [*replaced, wanted]}


def _is_limit(argument: str) -> bool:
    return argument.lower().startswith(_ARGUMENT)
