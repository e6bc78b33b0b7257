"""What one revision in one role consists of: its Deployment, settings and Service. Pure."""

import math
from collections.abc import Mapping
from fractions import Fraction

from pydantic import BaseModel, ConfigDict

from deploytool.platforms.base import Role
from deploytool.platforms.kubernetes.manifests import looked_up
from deploytool.platforms.kubernetes.objects import (
    COMPONENT,
    MANAGER,
    REVISION,
    ROLE,
    Object,
    annotations_of,
    labels_of,
    with_marks,
)
from deploytool.system.release import ReleasedBuild

_ALL = 100
# A canary has so many times stable's pods at most: a share of 99 % would ask for 99 times as many.
_MOST_TIMES = 2


class Kept(BaseModel):
    """A revision is started from this: its image, and its Deployment as it was when installed.

    released: the image of a release, when it was one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    image: str
    deployment: Object
    released: ReleasedBuild | None = None


def name_of(component: str, role: Role) -> str:
    """Return the name of a component's Deployment and Service in a role."""
    return component if role is Role.STABLE else f"{component}-{role}"


def role_of(item: Object) -> Role:
    """Return the role that an object, a pod for example, is marked with."""
    return Role.CANARY if labels_of(item).get(ROLE) == Role.CANARY else Role.STABLE


def settings_name(component: str, revision: str) -> str:
    """Return the name of the ConfigMap that holds a revision's environment."""
    return f"{component}-{revision}"


def settings(component: str, revision: str, environment: Mapping[str, str]) -> Object:
    """Return the ConfigMap of a revision's environment, resolved. It never changes."""
    item: Object = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": settings_name(component, revision)},
        "immutable": True,
        "data": dict(environment),
    }
    return with_marks(item, {COMPONENT: component, REVISION: revision})


def deployment(
    kept: Kept, component: str, role: Role, revision: str, *, replicas: int | None
) -> Object:
    """Return the Deployment of a revision in a role.

    replicas: None leaves the number to whoever set it, an autoscaler for example.
    """
    marks = {COMPONENT: component, ROLE: str(role)}
    base = kept.deployment
    template = base["spec"]["template"]
    first, *others = template["spec"]["containers"]
    own = {name: value for name, value in first.items() if name not in {"env", "envFrom"}}
    own |= {"image": kept.image, **looked_up(first)}
    # The last one wins: what is declared.
    declared = {"configMapRef": {"name": settings_name(component, revision)}}
    own["envFrom"] = [*own.get("envFrom", []), declared]
    pod = {**template["spec"], "containers": [own, *others]}
    spec = {name: value for name, value in base["spec"].items() if name != "replicas"}
    if replicas is not None:
        spec["replicas"] = replicas
    spec["selector"] = {"matchLabels": marks}
    spec["template"] = with_marks({**template, "spec": pod}, {**marks, REVISION: revision})
    meta = {"name": name_of(component, role), "labels": labels_of(base)}
    item = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}
    return with_marks(item, {**marks, REVISION: revision}, annotations_of(base))


def ours(item: Object) -> Object:
    """Return an object with the mark of what deploytool makes."""
    return with_marks(item, {MANAGER: "deploytool"})


def canary_service(stable: Object, component: str, revision: str) -> Object:
    """Return the Service of a component's canary, derived from that of its stable pods."""
    ports = [
        {name: value for name, value in port.items() if name != "nodePort"}
        for port in stable["spec"]["ports"]
    ]
    selector = {COMPONENT: component, ROLE: str(Role.CANARY)}
    item: Object = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name_of(component, Role.CANARY), "labels": labels_of(stable)},
        "spec": {"type": "ClusterIP", "selector": selector, "ports": ports},
    }
    return with_marks(item, {COMPONENT: component, ROLE: str(Role.CANARY), REVISION: revision})


def canary_replicas(stable: int, percent: int) -> int:
    """Return how many pods a canary needs so that none has more to do than one of stable's.

    stable: its number of pods, which serve what the canary does not. At least one, however small
    the share, and twice stable's at most: from 67 % on each has more to do than one of stable's.
    As many as stable for all requests, of which stable has none to compare with.
    """
    if percent == _ALL:
        return max(1, stable)
    needed = math.ceil(Fraction(stable * percent, _ALL - percent))
    return max(1, min(needed, _MOST_TIMES * stable))
