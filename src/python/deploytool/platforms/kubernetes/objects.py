"""Kubernetes objects as plain mappings: their names, their order, what differs. Pure."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]

# Labels and annotations of what deploytool makes. The component's is the one that is recommended
# to everybody, so that manifests have it by themselves.
COMPONENT = "app.kubernetes.io/name"
MANAGER = "app.kubernetes.io/managed-by"
ROLE = "deploytool/role"
REVISION = "deploytool/revision"
# The content of the template that a pod was made from, where that is no revision.
TEMPLATE = "deploytool/template"
# Of what stands for all revisions of a system: deleted when it leaves the manifests.
FOUNDATION = "deploytool/foundation"
# The content that was applied last, so that what is as it was meant costs one look.
APPLIED = "deploytool/applied"

# Each kind after those that it may need; the others come between, in the order of the manifests.
_FIRST = (
    "CustomResourceDefinition",
    "Namespace",
    "ResourceQuota",
    "LimitRange",
    "PriorityClass",
    "StorageClass",
    "ServiceAccount",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Secret",
    "NetworkPolicy",
    "ConfigMap",
    "PersistentVolumeClaim",
    "Service",
    "StatefulSet",
)
_LAST = ("PodDisruptionBudget", "HorizontalPodAutoscaler", "GatewayClass", "Gateway", "HTTPRoute")
WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
# Where an object has the specification of its pods, by its kind.
_TEMPLATE = ("spec", "template", "spec")
_PODS = {
    **dict.fromkeys([*WORKLOADS, "Job", "ReplicaSet", "ReplicationController"], _TEMPLATE),
    "CronJob": ("spec", "jobTemplate", *_TEMPLATE),
    "Pod": ("spec",),
}
_CONTAINERS = ("initContainers", "containers")


@dataclass(frozen=True, slots=True)
class Key:
    """What names an object. namespace: where it would be; kinds without one ignore it."""

    version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """Return KIND/NAME."""
        return f"{self.kind}/{self.name}"


def key_of(item: Object, namespace: str) -> Key:
    """Return an object's key. namespace: of objects that name none."""
    meta = item.get("metadata", {})
    return Key(
        item["apiVersion"], item["kind"], meta.get("namespace", namespace), meta.get("name", "")
    )


def api_path(version: str) -> str:
    """Return the path of an API group's version."""
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def labels_of(item: Object) -> dict[str, str]:
    """Return an object's labels."""
    return dict(item.get("metadata", {}).get("labels") or {})


def annotations_of(item: Object) -> dict[str, str]:
    """Return an object's annotations."""
    return dict(item.get("metadata", {}).get("annotations") or {})


def with_marks(
    item: Object, labels: Mapping[str, str], annotations: Mapping[str, str] | None = None
) -> Object:
    """Return the object with more labels and annotations."""
    meta = item.get("metadata", {})
    marked = {**meta, "labels": {**labels_of(item), **labels}}
    if annotations:
        marked["annotations"] = {**annotations_of(item), **annotations}
    return {**item, "metadata": marked}


def selector(labels: Mapping[str, str]) -> str:
    """Return the text that selects objects by labels."""
    return ",".join(f"{name}={value}" for name, value in labels.items())


def in_order(items: Sequence[Object]) -> list[Object]:
    """Return the objects in the order in which they are applied."""
    return sorted(items, key=lambda item: _place(item["kind"]))


def _place(kind: str) -> int:
    if kind in _FIRST:
        return _FIRST.index(kind)
    return len(_FIRST) + (1 + _LAST.index(kind) if kind in _LAST else 0)


def digest(content: object) -> str:
    """Return the SHA-256, in hex, of what can be written as JSON."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def template_of(pod: Object) -> str:
    """Return what names the template of a pod, or a template itself; "" when nothing does."""
    labels = labels_of(pod)
    return labels.get(REVISION) or labels.get(TEMPLATE, "")


def containers(workload: Object) -> list[Object]:
    """Return the containers of a workload's pods, the first of which is the component's own."""
    return list(workload["spec"]["template"]["spec"].get("containers") or [])


def all_containers(item: Object) -> list[Object]:
    """Return all containers of an object's pods, those that come first too; none without pods."""
    pod = item if item["kind"] in _PODS else {}
    for name in _PODS.get(item["kind"], ()):
        pod = pod.get(name) or {}
    return [each for name in _CONTAINERS for each in pod.get(name) or []]


def with_containers(item: Object, change: Callable[[Object], Object]) -> Object:
    """Return an object with each container of its pods changed; one without pods as it is."""
    return _with_containers(item, _PODS[item["kind"]], change) if all_containers(item) else item


def _with_containers(
    item: Object, path: tuple[str, ...], change: Callable[[Object], Object]
) -> Object:
    if path:
        return {**item, path[0]: _with_containers(item[path[0]], path[1:], change)}
    found = {name: item[name] for name in _CONTAINERS if item.get(name)}
    return {**item, **{name: [change(each) for each in found[name]] for name in found}}


def with_environment(workload: Object, environment: Mapping[str, str]) -> Object:
    """Return the workload with settings of its first container, in the place of its own."""
    first, *others = containers(workload)
    kept = [each for each in first.get("env") or [] if each["name"] not in environment]
    added = [{"name": name, "value": value} for name, value in environment.items()]
    spec, template = workload["spec"], workload["spec"]["template"]
    pod = {**template["spec"], "containers": [{**first, "env": [*kept, *added]}, *others]}
    return {**workload, "spec": {**spec, "template": {**template, "spec": pod}}}


def port_of(pod: Object) -> int:
    """Return the port that a pod, or a template of pods, serves on: the first that it names."""
    return int(pod["spec"]["containers"][0]["ports"][0]["containerPort"])


def holds(wanted: object, live: object) -> bool:
    """Tell whether all that is wanted is so; the server adds defaults of its own."""
    if isinstance(wanted, Mapping):
        return isinstance(live, Mapping) and all(
            holds(value, live.get(name)) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(live, list) and len(live) == len(wanted) and all(map(holds, wanted, live))
    # An empty text and a missing one are the same to the server.
    return wanted == live or (wanted in ("", None) and live in ("", None))


def differences(live: object, wanted: object, path: str = "") -> Iterator[str]:
    """Yield each field that is not the same in both, with both values, short."""
    if isinstance(live, Mapping) and isinstance(wanted, Mapping):
        for name in dict.fromkeys([*live, *wanted]):
            yield from differences(
                live.get(name), wanted.get(name), f"{path}.{name}" if path else str(name)
            )
    elif isinstance(live, list) and isinstance(wanted, list) and len(live) == len(wanted):
        for index, (is_now, will_be) in enumerate(zip(live, wanted, strict=True)):
            yield from differences(is_now, will_be, f"{path}[{index}]")
    elif live != wanted:
        yield f"{path}: {_short(live)} -> {_short(wanted)}"


def declared(item: Object) -> Object:
    """Return an object without what the server itself writes into it."""
    meta = {
        name: value
        for name, value in item.get("metadata", {}).items()
        if name in {"name", "namespace", "labels", "annotations"}
    }
    notes = {name: text for name, text in annotations_of(item).items() if name != APPLIED}
    meta = {**meta, "annotations": notes} if notes else _without(meta, "annotations")
    return {**_without(item, "status"), "metadata": meta}


def as_applied(item: Object, applied: str) -> Object:
    """Return what deploytool applies of a live object, with the mark of its manifest."""
    return with_marks(declared(item), {}, {APPLIED: applied})


def _without(mapping: Mapping[str, Any], name: str) -> Object:
    return {key: value for key, value in mapping.items() if key != name}


def _short(value: object) -> str:
    longest = 60
    text = "none" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= longest else f"{text[:longest]}..."
