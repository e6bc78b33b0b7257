"""What is applied, what is left over, and what nobody is to see of it; on objects in memory."""

import base64
import threading
import time
from collections.abc import Callable, Sequence

import pytest

from deploytool.platforms.kubernetes.applying import Applying, Difference
from deploytool.platforms.kubernetes.objects import FOUNDATION, Object, labels_of, with_marks
from deploytool.platforms.kubernetes.replies import Conflict, Refused
from tests.deploytool.platforms.kubernetes.memory import Memory

ROUTES = "gateway.networking.k8s.io"
NETWORK = "networking.k8s.io/v1"


def item(version: str, kind: str, name: str = "web", **content: object) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **content}


def applied(cluster: Memory, items: Sequence[Object]) -> Applying:
    applying = Applying(cluster, lambda wanted, _: wanted)
    applying.carry_out(applying.differences(items, lambda _: False))
    return applying


def found(applying: Applying, items: Sequence[Object]) -> list[tuple[str, str]]:
    differences: list[Difference] = applying.differences(items, lambda _: False)
    return [(str(each.key), each.why) for each in differences]


def names(cluster: Memory) -> list[str]:
    return [str(key) for key in cluster.objects]


def test_what_has_left_the_manifests_is_left_over() -> None:
    cluster = Memory()
    both = [item("v1", "Service"), item("v1", "Service", "other")]
    applying = applied(cluster, both)
    assert found(applying, both) == []
    assert found(applying, both[:1]) == [("Service/other", "no longer in the manifests")]


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_an_object_in_another_version_of_its_group_is_not_left_over(version: str) -> None:
    routes = [item(f"{ROUTES}/{version}", "HTTPRoute")]
    applying = applied(Memory(), routes)
    assert found(applying, routes) == []
    assert ("HTTPRoute/web", "no longer in the manifests") in found(applying, [])


def test_data_is_deleted_neither_with_the_rest_nor_when_it_leaves_the_manifests() -> None:
    cluster = Memory()
    claims = [item("v1", "PersistentVolumeClaim", name) for name in ("data", "more")]
    items = [item("v1", "Namespace", "shop"), *claims, item("v1", "Service")]
    applying = applied(cluster, items)
    assert found(applying, [claims[0], items[-1]]) == []
    applying.remove(items)
    assert names(cluster) == [
        "Namespace/shop", "PersistentVolumeClaim/data", "PersistentVolumeClaim/more",
    ]  # fmt: skip


def test_a_definition_of_objects_that_others_have_as_well_is_never_deleted() -> None:
    cluster = Memory()
    kinds = [
        item("apiextensions.k8s.io/v1", "CustomResourceDefinition", name) for name in ("a", "b")
    ]
    applying = applied(cluster, kinds)
    assert all(FOUNDATION not in labels_of(each) for each in cluster.objects.values())
    # As an earlier deploytool has left it.
    cluster.apply(with_marks(kinds[0], {FOUNDATION: "shop"}))
    assert found(applying, kinds[1:]) == []
    applying.remove(kinds)
    assert names(cluster) == ["CustomResourceDefinition/a", "CustomResourceDefinition/b"]


def test_of_a_secret_only_the_names_of_what_differs_are_told() -> None:
    cluster = Memory()
    old, new = (base64.b64encode(text.encode()).decode() for text in ("before", "after"))
    applying = applied(cluster, [item("v1", "Secret", data={"password": old})])
    [(_, why)] = found(applying, [item("v1", "Secret", data={"password": new})])
    assert why == "data.password"
    applied(cluster, [item("v1", "ConfigMap", data={"colour": "red"})])
    changed = [item("v1", "ConfigMap", data={"colour": "blue"})]
    assert ("ConfigMap/web", 'data.colour: "red" -> "blue"') in found(applying, changed)


@pytest.mark.parametrize("interrupted", ["list", "dry run", "apply"])
def test_who_is_interrupted_does_not_wait_for_the_requests_under_way(interrupted: str) -> None:
    class Away(Memory):
        """Answers when nobody waits any more; its first answer is an interrupt."""

        def __init__(self) -> None:
            super().__init__()
            self._is_asked, self._left = threading.Event(), threading.Event()

        def hurry(self) -> None:
            super().hurry()
            self._left.set()

        def list(self, version: str, kind: str, selector: str = "") -> list[Object]:
            self._wait("list", is_first=kind == "ConfigMap")
            return super().list(version, kind, selector)

        def apply(self, item: Object, *, is_dry_run: bool = False) -> Object:
            what = "dry run" if is_dry_run else "apply"
            self._wait(what, is_first=item["metadata"]["name"] == "first")
            return super().apply(item, is_dry_run=is_dry_run)

        def _wait(self, what: str, *, is_first: bool) -> None:
            if what != interrupted:
                return
            if is_first:
                self._is_asked.wait(5)
                raise KeyboardInterrupt
            self._is_asked.set()
            self._left.wait(5)

    cluster = Away()
    names = ("first", "second")
    for name in names:
        cluster.create(item("v1", "ConfigMap", name))
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        applied(cluster, [item("v1", "ConfigMap", name, data={}) for name in names])
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (lambda why: Refused("refused", why=why), "is refused: field is immutable"),
        (
            lambda why: Conflict("owned", why=why),
            "was changed by another owner: field is immutable",
        ),
    ],
)
def test_what_the_server_does_not_take_is_told_beside_all_other_differences(
    error: Callable[[str], Exception], told: str
) -> None:
    class Strict(Memory):
        def apply(self, item: Object, *, is_dry_run: bool = False) -> Object:
            if is_dry_run and item["kind"] == "StatefulSet":
                raise error("field is immutable")
            return super().apply(item, is_dry_run=is_dry_run)

    cluster = Strict()
    applying = applied(cluster, [item("apps/v1", "StatefulSet"), item("v1", "Service")])
    changed = [item("apps/v1", "StatefulSet", spec={}), item("v1", "Service", spec={})]
    assert found(applying, changed) == [
        ("StatefulSet/web", told), ("Service/web", "spec: none -> {}"),
    ]  # fmt: skip


def owner(manager: str, operation: str, **spec: object) -> Object:
    """Return what the server notes of somebody who has set fields of the spec."""
    fields: Object = {f"f:{name}": {} for name in spec}
    return {"manager": manager, "operation": operation, "fieldsV1": {"f:spec": fields}}


class Owned(Memory):
    """Tells of each object, as a server does, what somebody has added to its spec."""

    def __init__(self, **added: object) -> None:
        super().__init__()
        self.added = added

    def list(self, version: str, kind: str, selector: str = "") -> list[Object]:
        return [self._told(each) for each in super().list(version, kind, selector)]

    def apply(self, item: Object, *, is_dry_run: bool = False) -> Object:
        return self._told(super().apply(item, is_dry_run=is_dry_run))

    def _told(self, found: Object) -> Object:
        spec = found.get("spec", {})
        owners = [
            owner("deploytool", "Apply", **spec),
            owner("kubectl-patch", "Update", **self.added),
        ]
        meta = {**found["metadata"], "managedFields": owners}
        return {**found, "metadata": meta, "spec": {**self.added, **spec}}


def test_what_somebody_has_added_to_a_policy_is_told_with_its_owner_and_stops_an_up() -> None:
    cluster = Owned()
    closed = [item(NETWORK, "NetworkPolicy", spec={"policyTypes": ["Egress"]})]
    applying = applied(cluster, closed)
    assert applying.differences(closed, lambda _: False) == []
    cluster.added = {"policyTypes": ["Egress"], "egress": [{}]}
    [found] = applying.differences(closed, lambda _: False)
    assert found.why == 'was changed by another owner: "kubectl-patch" has set .spec.egress'
    assert found.is_drift
    with pytest.raises(Conflict, match="NetworkPolicy/web has another owner"):
        applying.carry_out([found])


def test_what_others_add_to_anything_else_is_theirs() -> None:
    cluster = Owned(clusterIP="10.0.0.7")
    services = [item("v1", "Service", spec={"type": "ClusterIP"})]
    assert found(applied(cluster, services), services) == []
