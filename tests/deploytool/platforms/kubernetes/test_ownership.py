"""Who has added which field, by the server's record."""

import pytest

from deploytool.platforms.kubernetes.objects import Object
from deploytool.platforms.kubernetes.ownership import added

OWN: Object = {"f:spec": {"f:podSelector": {}, "f:rules": {"f:a": {}}}}


def owner(manager: str, fields: Object, operation: str = "Update", **more: str) -> Object:
    return {"manager": manager, "operation": operation, "fieldsV1": fields, **more}


def told(*owners: Object) -> str:
    return added({"metadata": {"managedFields": list(owners)}}, "deploytool")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"f:spec": {"f:egress": {}}}, ".spec.egress"),
        ({"f:spec": {"f:egress": {"f:x": {}}, "f:rules": {".": {}, "f:b": {}}}},
         ".spec.egress, .spec.rules.b"),
    ],
)  # fmt: skip
def test_a_field_that_somebody_else_alone_has_set_is_named_with_him(
    fields: Object, named: str
) -> None:
    own = owner("deploytool", OWN, "Apply")
    assert told(own, owner("kubectl-edit", fields)) == f'"kubectl-edit" has set {named}'


@pytest.mark.parametrize(
    "other",
    [
        owner("kubectl", OWN),
        owner("kubectl", {"f:metadata": {"f:annotations": {"f:note": {}}}}),
        owner("controller", {"f:spec": {"f:x": {}}}, subresource="status"),
    ],
    ids=["the same", "nothing of the spec", "what the cluster itself reports"],
)
def test_what_both_have_set_and_what_is_no_wish_is_not_added(other: Object) -> None:
    assert told(owner("deploytool", OWN, "Apply"), other) == ""


def test_nothing_was_added_to_what_was_not_applied() -> None:
    assert told(owner("kubectl", OWN)) == added({"metadata": {}}, "deploytool") == ""
