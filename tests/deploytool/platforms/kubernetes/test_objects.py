"""Kubernetes objects: the order in which they are applied, and what of them differs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploytool.platforms.kubernetes.objects import (
    APPLIED,
    Object,
    api_path,
    declared,
    differences,
    digest,
    holds,
    in_order,
    key_of,
    labels_of,
    selector,
    with_environment,
    with_marks,
)


def named(kind: str, name: str = "web", version: str = "v1") -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}}


def kinds(items: list[Object]) -> list[str]:
    return [item["kind"] for item in items]


texts = st.text(max_size=3)
values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)
fields = st.dictionaries(st.sampled_from("abcd"), values, max_size=4)


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ("CustomResourceDefinition", "HTTPRoute"),
        ("Namespace", "ServiceAccount"),
        ("Namespace", "ConfigMap"),
        ("ResourceQuota", "StatefulSet"),
        ("PriorityClass", "StatefulSet"),
        ("StorageClass", "PersistentVolumeClaim"),
        ("ServiceAccount", "RoleBinding"),
        ("ClusterRole", "ClusterRoleBinding"),
        ("Role", "RoleBinding"),
        ("ServiceAccount", "Deployment"),
        ("NetworkPolicy", "Deployment"),
        ("ConfigMap", "StatefulSet"),
        ("PersistentVolumeClaim", "StatefulSet"),
        ("Service", "StatefulSet"),
        ("Service", "HTTPRoute"),
        ("StatefulSet", "Deployment"),
        ("Deployment", "HorizontalPodAutoscaler"),
        ("Deployment", "Gateway"),
        ("GatewayClass", "Gateway"),
        ("Gateway", "HTTPRoute"),
    ],
)
def test_what_is_needed_is_applied_before_what_needs_it(first: str, later: str) -> None:
    assert kinds(in_order([named(later), named(first)])) == [first, later]


def test_kinds_without_a_place_stay_as_the_manifests_have_them() -> None:
    items = [named("Widget", "b"), named("Deployment", "b"), named("Widget", "a")]
    assert in_order([named("HTTPRoute"), *items, named("Namespace")])[1:-1] == items


def test_objects_of_one_kind_stay_as_the_manifests_have_them() -> None:
    items = [named("Service", name) for name in "cab"]
    assert in_order(items) == items


def test_a_key_has_the_namespace_that_the_object_names_or_else_the_targets() -> None:
    item = named("Deployment", version="apps/v1")
    assert key_of(item, "shop").namespace == "shop"
    assert str(key_of(item, "shop")) == "Deployment/web"
    item["metadata"]["namespace"] = "other"
    assert key_of(item, "shop").namespace == "other"


@pytest.mark.parametrize(("version", "path"), [("v1", "/api/v1"), ("apps/v1", "/apis/apps/v1")])
def test_the_core_group_has_a_path_of_its_own(version: str, path: str) -> None:
    assert api_path(version) == path


def test_marks_come_beside_what_an_object_has_and_leave_the_object_itself_alone() -> None:
    item = with_marks(named("Service"), {"app": "web"})
    marked = with_marks(item, {"role": "canary"}, {"note": "x"})
    assert labels_of(marked) == {"app": "web", "role": "canary"}
    assert marked["metadata"]["annotations"] == {"note": "x"}
    assert item["metadata"] == {"name": "web", "labels": {"app": "web"}}


def test_several_labels_select_what_has_them_all() -> None:
    assert selector({"app": "web", "role": "canary"}) == "app=web,role=canary"


def test_a_digest_does_not_depend_on_the_order_of_fields() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest({"a": 1, "b": [1, 2]}) != digest({"a": 1, "b": [2, 1]})


@pytest.mark.parametrize(
    ("wanted", "live"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1, "c": 3}, {"b": 2}]}),
        ({"a": ""}, {}),
        ({"a": None}, {"a": ""}),
    ],
)
def test_what_the_server_adds_does_no_harm(wanted: object, live: object) -> None:
    assert holds(wanted, live)


@pytest.mark.parametrize(
    ("wanted", "live"),
    [
        ({"a": 1}, {}),
        ({"a": 1}, {"a": 2}),
        ({"a": 0}, {}),
        ({"a": False}, {}),
        ({"a": {"b": 1}}, {"a": {"c": 1}}),
        ({"a": {"b": 1}}, {"a": "b"}),
        ({"a": [1]}, {"a": [1, 2]}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": [1]}, {"a": 1}),
    ],
)
def test_what_is_missing_other_or_more_in_a_list_is_not_as_wanted(
    wanted: object, live: object
) -> None:
    assert not holds(wanted, live)


@given(fields, fields)
def test_what_holds_differs_only_by_what_was_added(
    wanted: dict[str, Any], added: dict[str, Any]
) -> None:
    live = {**added, **wanted}
    assert holds(wanted, live)
    assert holds(wanted, wanted)
    changed = {text.partition(":")[0][:1] for text in differences(live, wanted)}
    assert changed <= added.keys() - wanted.keys()


@given(values, values)
def test_there_are_differences_between_what_is_not_the_same_and_none_else(
    left: object, right: object
) -> None:
    if left != right:
        # A field that is missing and one that is null are the same to the server.
        found = list(differences(left, right))
        assert bool(found) is bool(list(differences(right, left)))
    assert list(differences(left, left)) == []


@pytest.mark.parametrize(
    ("live", "wanted", "texts"),
    [
        ({"spec": {"replicas": 1}}, {"spec": {"replicas": 2}}, ["spec.replicas: 1 -> 2"]),
        ({"a": "x"}, {"b": "y"}, ['a: "x" -> none', 'b: none -> "y"']),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}, {"b": 3}]}, ["a[1].b: 2 -> 3"]),
        ({"a": [1]}, {"a": [1, 2]}, ["a: [1] -> [1, 2]"]),
        ({"a": {"b": 1}}, {"a": True}, ['a: {"b": 1} -> true']),
        ({"a": "ü"}, {"a": "ß"}, ['a: "ü" -> "ß"']),
    ],
)
def test_each_difference_names_the_field_and_both_values(
    live: object, wanted: object, texts: list[str]
) -> None:
    assert list(differences(live, wanted)) == texts


def test_a_long_value_is_cut() -> None:
    (text,) = differences({"a": "x" * 500}, {"a": "y"})
    assert text.startswith('a: "xxx')
    assert text.endswith('... -> "y"')
    assert len(text) < 100


def test_what_the_server_writes_itself_is_not_declared() -> None:
    item = named("HTTPRoute")
    item["spec"] = {"rules": []}
    live = {
        **item,
        "metadata": {
            **item["metadata"],
            "labels": {"app": "web"},
            "annotations": {APPLIED: "1f"},
            "uid": "7",
            "resourceVersion": "12",
            "generation": 3,
            "creationTimestamp": "2026-11-25T04:31:48Z",
            "managedFields": [{}],
        },
        "status": {"parents": []},
    }
    assert declared(live) == with_marks(item, {"app": "web"})
    live["metadata"]["annotations"]["note"] = "x"
    assert declared(live)["metadata"]["annotations"] == {"note": "x"}


def test_settings_take_the_place_of_a_first_containers_own_and_leave_the_rest() -> None:
    own = [{"name": "A", "value": "old"}, {"name": "B", "value": "kept"}]
    job: Object = {
        "spec": {
            "backoffLimit": 0,
            "template": {
                "metadata": {"labels": {"x": "y"}},
                "spec": {"containers": [{"name": "first", "env": own}, {"name": "second"}]},
            },
        }
    }
    spec = with_environment(job, {"A": "new"})["spec"]
    first, second = spec["template"]["spec"]["containers"]
    assert first["env"] == [{"name": "B", "value": "kept"}, {"name": "A", "value": "new"}]
    assert second == {"name": "second"}
    assert spec["backoffLimit"] == 0
    assert spec["template"]["metadata"] == {"labels": {"x": "y"}}
