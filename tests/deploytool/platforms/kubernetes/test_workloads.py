"""What one revision in one role consists of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploytool.canary.weights import load_ratio
from deploytool.platforms.base import Role
from deploytool.platforms.kubernetes.objects import (
    COMPONENT,
    REVISION,
    ROLE,
    Object,
    annotations_of,
    differences,
    labels_of,
)
from deploytool.platforms.kubernetes.workloads import (
    Kept,
    canary_replicas,
    canary_service,
    deployment,
    name_of,
    settings,
    settings_name,
)

STABLE, CANARY = Role.STABLE, Role.CANARY


def manifest() -> Object:
    """Return a Deployment as the manifests have it."""
    labels = {COMPONENT: "web", "app.kubernetes.io/part-of": "shop"}
    own = {
        "name": "web",
        "image": "web:local",
        "env": [{"name": "GREETING", "value": "hello"}],
        "envFrom": [{"configMapRef": {"name": "web"}}],
        "ports": [{"containerPort": 8080}],
    }
    side = {"name": "side", "image": "side:7", "env": [{"name": "A", "value": "1"}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "labels": labels},
        "spec": {
            "replicas": 2,
            "minReadySeconds": 2,
            "selector": {"matchLabels": {COMPONENT: "web", ROLE: "stable"}},
            "template": {
                "metadata": {"labels": {**labels, ROLE: "stable"}, "annotations": {"a": "b"}},
                "spec": {"serviceAccountName": "web", "containers": [own, side]},
            },
        },
    }


IMAGE = "registry.example/web@sha256:1f"


def made(role: Role = STABLE, revision: str = "abc", replicas: int | None = 3) -> Object:
    return deployment(manifest(), "web", role, revision, image=IMAGE, replicas=replicas)


def service(**spec: object) -> Object:
    """Return the Service of stable as the cluster has it."""
    port = {"name": "http", "port": 80, "targetPort": "http", "nodePort": 30080}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "labels": {COMPONENT: "web", "tier": "front"}, "uid": "7"},
        "spec": {
            "type": "NodePort",
            "clusterIP": "10.0.0.7",
            "clusterIPs": ["10.0.0.7"],
            "selector": {COMPONENT: "web", ROLE: "stable"},
            "ports": [port, {"port": 9090, "protocol": "TCP"}],
            **spec,
        },
        "status": {"loadBalancer": {}},
    }


def test_a_canary_differs_from_stable_in_name_role_and_number_of_pods_only() -> None:
    assert set(differences(made(STABLE), made(CANARY, replicas=1))) == {
        'metadata.name: "web" -> "web-canary"',
        f'metadata.labels.{ROLE}: "stable" -> "canary"',
        "spec.replicas: 3 -> 1",
        f'spec.selector.matchLabels.{ROLE}: "stable" -> "canary"',
        f'spec.template.metadata.labels.{ROLE}: "stable" -> "canary"',
    }


def test_two_revisions_differ_in_their_settings_and_what_they_are_called_by() -> None:
    fields = {text.partition(":")[0] for text in differences(made(), made(revision="def"))}
    assert fields == {
        f"metadata.labels.{REVISION}",
        f"spec.template.metadata.labels.{REVISION}",
        "spec.template.spec.containers[0].envFrom[0].configMapRef.name",
    }


@pytest.mark.parametrize("role", Role)
def test_a_deployment_selects_the_pods_of_its_role_whatever_their_revision(role: Role) -> None:
    item = made(role)
    assert item["metadata"]["name"] == name_of("web", role)
    selected = item["spec"]["selector"]["matchLabels"]
    assert selected == {COMPONENT: "web", ROLE: str(role)}
    assert selected.items() <= labels_of(item["spec"]["template"]).items()


@pytest.mark.parametrize("role", Role)
def test_a_deployment_is_the_manifests_with_the_image_and_settings_of_the_revision(
    role: Role,
) -> None:
    own, side = made(role)["spec"]["template"]["spec"]["containers"]
    assert own == {
        "name": "web",
        "image": "registry.example/web@sha256:1f",
        "envFrom": [{"configMapRef": {"name": settings_name("web", "abc")}}],
        "ports": [{"containerPort": 8080}],
    }
    assert side == manifest()["spec"]["template"]["spec"]["containers"][1]
    assert made(role)["spec"]["minReadySeconds"] == 2
    assert made(role)["spec"]["template"]["metadata"]["annotations"] == {"a": "b"}
    for item in (made(role), made(role)["spec"]["template"]):
        assert labels_of(item)["app.kubernetes.io/part-of"] == "shop"
        assert labels_of(item)[REVISION] == "abc"


def test_what_the_manifests_take_from_secrets_and_note_at_the_deployment_stays() -> None:
    base = manifest()
    base["metadata"]["annotations"] = {"reload": "yes"}
    own = base["spec"]["template"]["spec"]["containers"][0]
    own["envFrom"].append({"secretRef": {"name": "mail"}})
    own["env"].append({"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}})
    item = deployment(base, "web", CANARY, "abc", image=IMAGE, replicas=1)
    assert annotations_of(item) == {"reload": "yes"}
    found = item["spec"]["template"]["spec"]["containers"][0]
    assert found["envFrom"] == [
        {"secretRef": {"name": "mail"}},
        {"configMapRef": {"name": settings_name("web", "abc")}},
    ]
    assert [each["name"] for each in found["env"]] == ["NODE"]


def test_a_number_of_pods_that_another_sets_is_left_out() -> None:
    assert "replicas" not in made(replicas=None)["spec"]
    assert made(replicas=0)["spec"]["replicas"] == 0


def test_what_a_revision_is_started_from_stays_as_it_is_and_survives_being_saved() -> None:
    kept = Kept(image=IMAGE, deployment=manifest())
    deployment(kept.deployment, "web", CANARY, "abc", image=IMAGE, replicas=2)
    assert kept.deployment == manifest()
    assert Kept.model_validate_json(kept.model_dump_json()) == kept


def test_the_settings_of_a_revision_are_its_environment_for_good() -> None:
    environment = {"PRICE": "5$ ${MEMORY}", "EMPTY": ""}
    item = settings("web", "abc", environment)
    assert item["data"] == environment
    assert item["immutable"] is True
    assert item["metadata"]["name"] == settings_name("web", "abc")
    assert labels_of(item) == {COMPONENT: "web", REVISION: "abc"}
    assert settings_name("web", "abc") != settings_name("web", "def")


def test_the_service_of_a_canary_leads_to_the_same_ports_of_its_pods() -> None:
    item = canary_service(service(), "web", "abc")
    assert item["metadata"]["name"] == "web-canary"
    assert item["spec"]["selector"] == {COMPONENT: "web", ROLE: "canary"}
    assert item["spec"]["ports"] == [
        {"name": "http", "port": 80, "targetPort": "http"},
        {"port": 9090, "protocol": "TCP"},
    ]
    assert labels_of(item) == {COMPONENT: "web", "tier": "front", ROLE: "canary", REVISION: "abc"}


@pytest.mark.parametrize(
    "stable", [service(), service(type="LoadBalancer"), service(clusterIP="None")]
)
def test_the_service_of_a_canary_takes_no_address_from_stable(stable: Object) -> None:
    item = canary_service(stable, "web", "abc")
    assert item["spec"]["type"] == "ClusterIP"
    assert item["spec"].keys() == {"type", "selector", "ports"}
    assert item.keys() == {"apiVersion", "kind", "metadata", "spec"}
    assert not any("nodePort" in port for port in item["spec"]["ports"])
    assert stable["spec"]["ports"][0]["nodePort"] == 30080, "stable's is left alone"


pods, shares = st.integers(0, 10_000), st.integers(1, 99)


@given(pods, shares)
def test_a_canarys_pods_have_no_more_to_do_than_stables_or_are_twice_as_many(
    stable: int, percent: int
) -> None:
    canary = canary_replicas(stable, percent)
    assert canary <= max(1, 2 * stable)
    assert load_ratio(percent, stable, canary) <= 1 or canary == 2 * stable


@given(pods, shares)
def test_a_canary_has_no_more_pods_than_it_needs(stable: int, percent: int) -> None:
    canary = canary_replicas(stable, percent)
    assert canary >= 1
    assert canary == 1 or load_ratio(percent, stable, canary - 1) > 1


@given(pods, shares, shares)
def test_a_greater_share_never_needs_fewer_pods(stable: int, one: int, other: int) -> None:
    less, more = sorted((one, other))
    assert canary_replicas(stable, less) <= canary_replicas(stable, more)


@pytest.mark.parametrize(
    ("stable", "percent", "canary"),
    [(2, 0, 1), (2, 10, 1), (2, 33, 1), (2, 34, 2), (2, 50, 2), (2, 51, 3), (2, 66, 4),
     (3, 75, 6), (3, 99, 6), (9, 10, 1), (9, 25, 3), (9, 50, 9), (3, 100, 3),
     (0, 50, 1), (0, 99, 1), (0, 100, 1)],
)  # fmt: skip
def test_the_pods_of_a_canary_are_to_stables_as_their_shares_rounded_up_but_twice_at_most(
    stable: int, percent: int, canary: int
) -> None:
    assert canary_replicas(stable, percent) == canary
