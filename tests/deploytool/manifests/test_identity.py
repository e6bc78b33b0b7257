"""Objects say what they are, and are there once."""

from tests.deploytool.manifests.texts import DEPLOYMENT, said


def test_what_an_object_has_to_say_of_itself_is_missed() -> None:
    assert said("kind: ConfigMap\nmetadata:\n  labels: {}\n") == [
        "1: ConfigMap/?: apiVersion is missing",
        "2: ConfigMap/?: metadata.name is missing",
    ]
    assert said("apiVersion: v1\nmetadata: {name: a}\n") == ["1: ?/a: kind is missing"]
    assert said("apiVersion: 1\nkind: Pod\nmetadata: {name: a}\n") == [
        "1: Pod/a: apiVersion must be text"
    ]


def test_a_name_may_be_left_to_be_made() -> None:
    assert said("apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a-}\n") == []


def test_the_same_object_twice_is_found_whatever_the_version() -> None:
    text = "apiVersion: {}\nkind: HorizontalPodAutoscaler\nmetadata: {{name: a}}\n"
    spec = "spec: {maxReplicas: 2, scaleTargetRef: {kind: Deployment, name: a}}\n"
    both = [text.format(version) + spec for version in ("autoscaling/v1", "autoscaling/v2")]
    assert said("---\n".join(both)) == [
        "8: HorizontalPodAutoscaler/a: stands twice; the first is in some.yaml:1"
    ]


def test_the_same_name_in_another_namespace_is_another_object() -> None:
    other = DEPLOYMENT.replace("name: shop\nspec", "name: shop\n  namespace: other\nspec")
    assert said(f"{DEPLOYMENT}---\n{other}") == []


def test_what_is_no_object_is_noted() -> None:
    assert said("services:\n  web: {}\n") == [
        "1: ?/?: not checked: has neither apiVersion nor kind"
    ]


def test_a_list_is_looked_into() -> None:
    items = "items:\n  - {apiVersion: v1, kind: ConfigMap, metadata: {name: a}, dta: {}}\n"
    assert said(f"apiVersion: v1\nkind: List\n{items}") == [
        "4: ConfigMap/a: dta: there is no such field; did you mean data?"
    ]


def test_what_belongs_to_kustomize_is_no_object() -> None:
    assert said("apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: a}\n") == []
