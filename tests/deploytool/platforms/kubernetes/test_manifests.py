"""The manifests of a target: which object is whose, which images run, what makes a revision."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploytool.errors import InvalidInput
from deploytool.platforms.images import image_base
from deploytool.platforms.kubernetes.manifests import (
    Manifests,
    parse,
    with_images,
    with_release,
    with_release_in,
)
from deploytool.platforms.kubernetes.objects import Object, all_containers, port_of

FOLDER = Path("deploy/kubernetes/overlays/example")

TEXT = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec: {rules: [{backendRefs: [{name: web, port: 80}]}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrations, namespace: shop}
spec:
  template:
    spec: {containers: [{name: migrations, image: registry.example/migrations:local}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app.kubernetes.io/name: web}}
spec:
  replicas: 2
  template:
    metadata: {labels: {app.kubernetes.io/name: web}}
    spec:
      terminationGracePeriodSeconds: 20
      initContainers:
        - {name: prepare, image: registry.example/web:local}
      containers:
        - name: web
          image: registry.example/web:local
          env: [{name: GREETING, value: hello}]
          envFrom: [{configMapRef: {name: web}}]
          ports: [{containerPort: 8080}, {containerPort: 9090}]
          resources: {limits: {memory: 64Mi}}
        - {name: side, image: registry.example/side:7}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{port: 80, targetPort: 8080}, {port: 9090}]}
---
apiVersion: v1
kind: Service
metadata: {name: edge, namespace: shop}
spec: {ports: [{port: 8000}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: edge, namespace: shop, labels: {app.kubernetes.io/name: edge}}
spec: {template: {spec: {containers: [{name: edge, image: edge:3}]}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: store, namespace: shop, labels: {app.kubernetes.io/name: store}}
spec: {template: {spec: {containers: [{name: store, image: "registry.example/store:local"}]}}}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
"""


def manifests(text: str = TEXT, namespace: str = "shop") -> Manifests:
    return Manifests(parse(text), FOLDER, {"web"}, namespace)


def names(items: list[Object]) -> list[str]:
    return [f"{item['kind']}/{item['metadata']['name']}" for item in items]


def image_of(item: Object, index: int = 0) -> str:
    return str(item["spec"]["template"]["spec"]["containers"][index]["image"])


def test_empty_documents_of_a_rendered_text_are_no_objects() -> None:
    assert parse("---\n---\nkind: Namespace\n---\n") == [{"kind": "Namespace"}]
    assert parse("") == []


def test_the_foundation_is_all_but_jobs_and_what_is_replaced_revision_by_revision() -> None:
    assert names(manifests().foundation({})) == [
        "Namespace/shop",
        "Service/web",
        "Service/edge",
        "StatefulSet/store",
        "Deployment/edge",
        "HTTPRoute/web",
    ]


def test_what_only_has_the_name_of_a_service_belongs_to_the_foundation() -> None:
    own = "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n"
    assert "ServiceAccount/web" in names(manifests(TEXT + own).foundation({}))


def test_the_foundation_runs_what_was_built() -> None:
    built = {"store": "registry.example/store@sha256:1f", "web": "registry.example/web@sha256:2e"}
    found = {str(item["kind"]): item for item in manifests().foundation(built)}
    assert image_of(found["StatefulSet"]) == "registry.example/store@sha256:1f"
    assert image_of(found["Deployment"]) == "edge:3"


def test_a_job_is_found_by_its_name_and_runs_what_was_built() -> None:
    job = manifests().job("migrations", {"migrations": "migrations@sha256:1f"})
    assert image_of(job) == "migrations@sha256:1f"


def test_the_namespace_is_there_only_if_the_manifests_have_it() -> None:
    assert names(manifests().namespaces()) == ["Namespace/shop"]
    without = TEXT.partition("---\napiVersion: v1\nkind: Namespace")[0]
    assert manifests(without).namespaces() == []


def test_a_workload_is_found_by_the_component_that_it_is_of() -> None:
    store = manifests().workload("store")
    assert store is not None
    assert names([store]) == ["StatefulSet/store"]
    assert manifests().workload("migrations") is None, "a Job ends by itself"


@pytest.mark.parametrize(
    "image",
    [
        "web",
        "web:1",
        "web@sha256:1f",
        "web:1@sha256:1f",
        "library/web:1",
        "registry.example/team/web:1",
        "localhost:5055/web",
        "localhost:5055/web:1",
        "localhost:5055/web@sha256:1f",
        "localhost:5055/team/web:1@sha256:1f",
    ],
)
def test_an_image_is_replaced_by_its_name_whatever_registry_tag_and_digest_it_has(
    image: str,
) -> None:
    assert image_base(image) == "web"
    item: Object = {
        "kind": "Job",
        "spec": {"template": {"spec": {"containers": [{"name": "a", "image": image}]}}},
    }
    assert image_of(with_images(item, {"web": "new"})) == "new"
    others = dict.fromkeys(["we", "web-canary", "web:1", "team/web", "team", "registry"], "new")
    assert image_of(with_images(item, others)) == image
    assert image_of(item) == image, "the object itself is left alone"


def test_images_are_replaced_in_every_container_and_those_of_others_stay() -> None:
    found = with_images(manifests().deployment("web"), {"web": "built"})
    pod = found["spec"]["template"]["spec"]
    assert [each["image"] for each in pod["initContainers"]] == ["built"]
    assert [each["image"] for each in pod["containers"]] == ["built", "registry.example/side:7"]


@pytest.mark.parametrize("kind", ["Namespace", "Service", "HTTPRoute"])
def test_an_object_without_pods_has_no_images_to_replace(kind: str) -> None:
    items = [item for item in parse(TEXT) if item["kind"] == kind]
    assert [with_images(item, {"web": "built"}) for item in items] == items


RELEASE = {name: f"{name}@sha256:1f" for name in ("web", "edge", "store", "migrations", "side")}
POD = "{containers: [{name: own, image: web:1}], initContainers: [{name: first, image: IMAGE}]}"
KINDS = {
    **dict.fromkeys(
        ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"],
        f"{{template: {{spec: {POD}}}}}",
    ),
    "CronJob": f"{{jobTemplate: {{spec: {{template: {{spec: {POD}}}}}}}}}",
    "Pod": POD,
}


def of_kind(kind: str, image: str) -> list[Object]:
    return parse(
        f"kind: {kind}\nmetadata: {{name: any}}\nspec: {KINDS[kind]}".replace("IMAGE", image)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_beside_a_release_every_container_runs_an_image_of_it(kind: str) -> None:
    found = with_release(of_kind(kind, "elsewhere.example/side:7"), RELEASE, FOLDER)
    assert [each["image"] for each in all_containers(found[0])] == [
        RELEASE["side"],
        RELEASE["web"],
    ]
    assert found != of_kind(kind, RELEASE["side"]), "the object's own image was replaced, too"


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_that_a_release_lacks_is_refused_with_its_object_and_container(kind: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        with_release(of_kind(kind, "elsewhere.example/other:7"), RELEASE, FOLDER)
    said = f"container first of {kind}/any runs elsewhere.example/other:7; the release has edge, "
    assert refusal.value.why.startswith(said)
    assert "take them out of the manifests" in refusal.value.hint
    assert str(refusal.value.place) == str(FOLDER)


def test_a_rendered_text_has_the_images_of_a_release_or_is_refused() -> None:
    text = with_release_in(TEXT, RELEASE, FOLDER)
    found = {each["image"] for item in parse(text) for each in all_containers(item)}
    assert found == set(RELEASE.values())
    with pytest.raises(InvalidInput) as refusal:
        with_release_in(TEXT, {"web": RELEASE["web"]}, FOLDER)
    for each in ("Job/migrations", "Deployment/web", "Deployment/edge", "StatefulSet/store"):
        assert each in refusal.value.why, "all that is lacking is told at once"


def changed(old: str, new: str) -> Manifests:
    assert old in TEXT
    return manifests(TEXT.replace(old, new))


def fingerprint(found: Manifests) -> str:
    return found.fingerprint("web", "1f", {})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("memory: 64Mi", "memory: 65Mi"),
        ("terminationGracePeriodSeconds: 20", "terminationGracePeriodSeconds: 21"),
        ("{containerPort: 9090}", "{containerPort: 9091}"),
        ("registry.example/side:7", "registry.example/side:8"),
        ("  replicas: 2\n", "  replicas: 2\n  minReadySeconds: 2\n"),
        (
            "  template:\n    metadata: {labels: {app.kubernetes.io/name: web}}",
            "  template:\n    metadata: {labels: {app.kubernetes.io/name: web, tier: front}}",
        ),
        (
            "envFrom: [{configMapRef: {name: web}}]",
            "envFrom: [{configMapRef: {name: web}}, {secretRef: {name: mail}}]",
        ),
        (
            "metadata: {name: web, namespace: shop, labels: {app.kubernetes.io/name: web}}",
            "metadata: {name: web, namespace: shop, annotations: {a: b}, "
            "labels: {app.kubernetes.io/name: web}}",
        ),
    ],
)
def test_what_the_manifests_say_of_a_services_pods_is_part_of_its_revision(
    old: str, new: str
) -> None:
    assert fingerprint(changed(old, new)) != fingerprint(manifests())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "          image: registry.example/web:local",
            "          image: elsewhere.example/web:2",
        ),
        ("value: hello", "value: good day"),
        ("configMapRef: {name: web}", "configMapRef: {name: web-7h2k}"),
        ("replicas: 2", "replicas: 5"),
        ("  replicas: 2\n", ""),
        ("image: edge:3", "image: edge:4"),
        ("{port: 9090}", "{port: 9091}"),
    ],
)
def test_what_revision_and_load_decide_and_what_is_of_others_makes_no_other_revision(
    old: str, new: str
) -> None:
    assert fingerprint(changed(old, new)) == fingerprint(manifests())


def test_what_references_mean_is_part_of_a_revision() -> None:
    ids = {manifests().fingerprint("web", "1f", {"db.port": port}) for port in ("5432", "6432")}
    assert len(ids) == 2


def test_the_image_that_runs_is_part_of_a_revision() -> None:
    assert fingerprint(manifests()) != manifests().fingerprint("web", "2e", {})


def test_ports_and_address_are_those_that_come_first() -> None:
    found = manifests()
    assert port_of(found.deployment("web")["spec"]["template"]) == 8080
    assert (found.service_port("web"), found.inner_url("web")) == (80, "http://web")
    assert (found.service_port("edge"), found.inner_url("edge")) == (8000, "http://edge:8000")


@pytest.mark.parametrize(
    ("said", "number"), [("  replicas: 2\n", 2), ("  replicas: 5\n", 5), ("", 1)]
)
def test_the_number_of_pods_is_that_of_the_manifests(said: str, number: int) -> None:
    assert manifests(TEXT.replace("  replicas: 2\n", said)).replicas("web") == number


def test_an_autoscaler_decides_over_the_component_that_it_names() -> None:
    scaler = (
        "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\n"
        "metadata: {name: any}\n"
        "spec: {scaleTargetRef: {kind: Deployment, name: web}}\n"
    )
    assert not manifests().scaled_elsewhere("web")
    assert manifests(TEXT + scaler).scaled_elsewhere("web")
    assert not manifests(TEXT + scaler).scaled_elsewhere("edge")


@pytest.mark.parametrize(
    ("old", "new", "item", "found"),
    [
        (
            "metadata: {name: edge, namespace: shop}",
            "metadata: {name: edge, namespace: shop-2}",
            "Service/edge",
            "shop-2",
        ),
        ("metadata: {name: shop}", "metadata: {name: default}", "Namespace/default", "default"),
    ],
)
def test_an_object_of_another_namespace_is_refused(
    old: str, new: str, item: str, found: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        changed(old, new)
    assert refusal.value.what == f"{item} belongs to another namespace"
    assert refusal.value.why == f"{FOLDER} puts it into {found!r}, targets.yaml says 'shop'"
    assert str(refusal.value.place) == str(FOLDER)


def test_an_object_that_names_no_namespace_is_of_the_targets() -> None:
    assert manifests(TEXT.replace(", namespace: shop", "")).namespace == "shop"


LACKS: list[tuple[Callable[[Manifests], Any], str]] = [
    (lambda found: found.deployment("cart"), "there is no Deployment 'cart'"),
    (lambda found: found.service("cart"), "there is no Service 'cart'"),
    (lambda found: found.job("web", {}), "there is no Job 'web'"),
    (lambda found: found.fingerprint("cart", "1f", {}), "there is no Deployment 'cart'"),
    (lambda found: found.inner_url("store"), "there is no Service 'store'"),
    (lambda found: found.deployment("edge"), "Deployment/edge has no containerPort"),
]


@pytest.mark.parametrize(("ask", "what"), LACKS)
def test_what_is_missing_is_named_with_the_folder(
    ask: Callable[[Manifests], Any], what: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        ask(manifests())
    assert what in refusal.value.what
    assert refusal.value.why == f"{FOLDER} renders 8 objects without it"
    assert str(refusal.value.place) == str(FOLDER)
