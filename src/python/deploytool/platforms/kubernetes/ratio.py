"""A canary's share as the ratio of its pods to all that one Service leads to. Pure."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from deploytool.platforms.base import Role
from deploytool.platforms.kubernetes.objects import (
    ROLE,
    Object,
    annotations_of,
    labels_of,
    with_marks,
)
from deploytool.traffic.http_route import PERCENT

_ALL = 100
# It stays without being said.
_GIVEN = frozenset({"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"})


def canary_pods(stable: int, percent: int) -> int:
    """Return how many pods beside stable's come nearest to a share of 1-100 %; at least one.

    Stable keeps all of its own, so that what it can serve never shrinks. Of 100 % there is no
    ratio: there the canary needs what stable has.
    """
    if percent == _ALL:
        return max(1, stable)
    fewer = max(1, stable * percent // (100 - percent))
    wanted = Fraction(percent, 100)
    return min((fewer, fewer + 1), key=lambda pods: abs(Fraction(pods, pods + stable) - wanted))


def with_share(service: Object, percent: int | None) -> Object:
    """Return the Service that leads to whom the canary's share needs; None without a canary.

    To stable's pods alone at 0 %, to the canary's alone at 100 %, between them to all. The share
    that was wished for is kept beside it: several have the same ratio.
    """
    spec = service["spec"]
    found = {**service, "spec": {**spec, "selector": _selector(spec["selector"], percent)}}
    if percent is not None:
        return with_marks(found, {}, {PERCENT: str(percent)})
    notes = {name: text for name, text in annotations_of(service).items() if name != PERCENT}
    return {**found, "metadata": {**service["metadata"], "annotations": notes}}


def without_given(service: Object) -> Object:
    """Return a live Service without the addresses that the cluster has given it."""
    spec = {name: value for name, value in service["spec"].items() if name not in _GIVEN}
    return {**service, "spec": spec}


def noted_percent(service: Object) -> int | None:
    """Return the share that was wished for; None when there is no canary."""
    noted = annotations_of(service).get(PERCENT, "")
    return int(noted) if noted.isdigit() else None


def percent_of(service: Object, declared: Mapping[Role, int], ready: Mapping[Role, int]) -> int:
    """Return the canary's share: the one wished for, if it fits what is there.

    declared: how many pods each role is to have. ready: how many of these serve now.
    """
    noted, selector = noted_percent(service), service["spec"]["selector"]
    if noted is not None and selector == _selector(selector, noted):
        wanted = canary_pods(declared[Role.STABLE], noted) if noted else 0
        if not noted or declared[Role.CANARY] == wanted:
            return noted
    serving = {role: n for role, n in ready.items() if selector.get(ROLE, role) == role}
    return round(100 * serving.get(Role.CANARY, 0) / (sum(serving.values()) or 1))


def led_to(service: Object, pods: Sequence[Object]) -> set[str]:
    """Return the names of the pods that the Service selects. pods: those that serve."""
    wanted = service["spec"]["selector"].items()
    return {str(pod["metadata"]["name"]) for pod in pods if wanted <= labels_of(pod).items()}


def _selector(selector: Mapping[str, str], percent: int | None) -> dict[str, str]:
    others = {name: value for name, value in selector.items() if name != ROLE}
    if percent is None or percent == 0:
        return {**others, ROLE: str(Role.STABLE)}
    return {**others, ROLE: str(Role.CANARY)} if percent == _ALL else others
