"""The bundled schemas: which are taken, and that they are read once."""

import pytest

from deploytool.errors import InvalidInput
from deploytool.manifests.schemas import schemas_for


@pytest.mark.parametrize(("asked", "taken"), [("1.35", "1.35"), ("1.30", "1.30")])
def test_the_schemas_of_a_version_are_its_own(asked: str, taken: str) -> None:
    assert schemas_for(asked).version == taken


def test_a_newer_kubernetes_is_judged_by_the_newest_schemas_there_are() -> None:
    newest = schemas_for("1.999").version
    assert newest != "1.999"
    assert schemas_for(newest).version == newest


def test_an_older_kubernetes_than_any_is_refused() -> None:
    with pytest.raises(InvalidInput) as raised:
        schemas_for("1.9")
    assert raised.value.what == "there are no schemas for Kubernetes 1.9"
    assert "kubernetes_version" in raised.value.hint


def test_each_is_made_once() -> None:
    assert schemas_for("1.35") is schemas_for("1.35")
    validator = schemas_for("1.35").validator("apps/v1", "Deployment")
    assert validator is not None
    assert schemas_for("1.35").validator("apps/v1", "Deployment") is validator


@pytest.mark.parametrize(
    ("api_version", "is_own"),
    [
        ("v1", True),
        ("apps/v1beta1", True),
        ("extensions/v1beta1", True),
        ("networking.k8s.io/v9", True),
        ("gateway.networking.k8s.io/v1", False),
        ("serving.knative.dev/v1", False),
    ],
)
def test_it_is_known_which_apis_are_kubernetes_own(api_version: str, is_own: bool) -> None:
    assert schemas_for("1.35").owns(api_version) is is_own
