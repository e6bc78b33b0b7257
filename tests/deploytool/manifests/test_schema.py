"""Objects against the schemas of their kinds: what is wrong, in words and with its line."""

import pytest

from tests.deploytool.manifests.texts import DEPLOYMENT, said


def test_nothing_is_said_about_what_is_right() -> None:
    assert said(DEPLOYMENT) == []


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        (
            "replicas: 2",
            "replcas: 2",
            "6: Deployment/shop: spec.replcas: there is no such field; did you mean replicas?",
        ),
        (
            "replicas: 2",
            'replicas: "2"',
            "6: Deployment/shop: spec.replicas must be a whole number, not text",
        ),
        (
            "containerPort: 8080",
            "containerPort: [8080]",
            "17: Deployment/shop: spec.template.spec.containers[0].ports[0].containerPort "
            "must be a whole number, not a list",
        ),
        (
            "image: shop:1",
            "args: [--port, 8080]",
            "15: Deployment/shop: spec.template.spec.containers[0].args[1] must be text, "
            "not a number; put it in quotes",
        ),
        (
            "labels: {app: shop}",
            "labels: {example.com/debug: yes}",
            "11: Deployment/shop: spec.template.metadata.labels['example.com/debug'] must be text, "
            "not true or false; put it in quotes",
        ),
        (
            "image: shop:1",
            "livenessProbe: {httpGet: {port: {number: 80}}}",
            "15: Deployment/shop: spec.template.spec.containers[0].livenessProbe.httpGet.port "
            "must be text or a whole number, not a mapping",
        ),
        (
            "  selector:\n    matchLabels: {app: shop}\n",
            "",
            "5: Deployment/shop: spec.selector is missing",
        ),
        (
            "- name: shop\n          image",
            "- image",
            "14: Deployment/shop: spec.template.spec.containers[0].name is missing",
        ),
        (
            "apps/v1",
            "apps/v1beta1",
            "1: Deployment/shop: Kubernetes 1.35 has no Deployment of apps/v1beta1, but of apps/v1",
        ),
        (
            "apps/v1",
            "extensions/v1beta1",
            "1: Deployment/shop: Kubernetes 1.35 has no Deployment of extensions/v1beta1, "
            "but of apps/v1",
        ),
        (
            "kind: Deployment",
            "kind: Deploymnet",
            "2: Deploymnet/shop: Kubernetes 1.35 has no Deploymnet of apps/v1; "
            "did you mean Deployment?",
        ),
    ],
)
def test_each_fault_is_named_in_its_line(right: str, wrong: str, expected: str) -> None:
    assert said(DEPLOYMENT.replace(right, wrong)) == [expected]


def test_all_faults_of_an_object_are_named_each_once() -> None:
    role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: a}\n"
    assert said(role + "roleRef: {nam: b, kin: c}\n") == [
        "4: RoleBinding/a: roleRef.apiGroup is missing",
        "4: RoleBinding/a: roleRef.kind is missing",
        "4: RoleBinding/a: roleRef.name is missing",
        "4: RoleBinding/a: roleRef.nam: there is no such field; did you mean name?",
        "4: RoleBinding/a: roleRef.kin: there is no such field; did you mean kind?",
    ]


def test_what_may_be_left_out_may_be_empty() -> None:
    assert said(DEPLOYMENT.replace("replicas: 2", "replicas:")) == []


def test_dates_and_times_are_text_as_kubernetes_reads_them() -> None:
    values = "data:\n  day: 2026-11-26\n  clock: 12:30\n"
    assert said(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\n{values}") == []


def test_a_kind_of_somebody_else_is_not_checked_and_the_note_says_so() -> None:
    route = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: a}\n"
    assert said(route + "spec: {anything: goes}\n") == [
        "2: HTTPRoute/a: not checked: no schema for HTTPRoute of gateway.networking.k8s.io/v1"
    ]


def test_a_secret_is_never_quoted() -> None:
    secret = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  password: 31415926\n"
    )
    (finding,) = said(secret)
    assert "stringData.password must be text" in finding
    assert "31415926" not in finding


def test_the_version_decides_what_there_is() -> None:
    # A native sleep before a container stops came with 1.29.
    sleeping = DEPLOYMENT.replace("image: shop:1", "lifecycle: {preStop: {sleep: {seconds: 3}}}")
    assert said(sleeping, "1.35") == []
    (finding,) = said(sleeping, "1.28")
    assert "preStop.sleep: there is no such field" in finding
