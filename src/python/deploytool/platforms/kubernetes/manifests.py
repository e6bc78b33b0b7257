"""The manifests of a target, rendered: which object is whose, and the images in them. Pure."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import yaml

from deploytool.errors import InvalidInput, Place
from deploytool.platforms.images import image_base
from deploytool.platforms.kubernetes.objects import (
    COMPONENT,
    TEMPLATE,
    WORKLOADS,
    Object,
    all_containers,
    annotations_of,
    containers,
    digest,
    in_order,
    labels_of,
    with_containers,
    with_marks,
)

_HTTP_PORT = 80


class Manifests:
    """All objects of a target as its folder of kustomize renders them.

    folder: where they come from, for messages. services: the components that are replaced revision
    by revision. images: name of an image -> what to run in its place.
    """

    def __init__(
        self, items: Sequence[Object], folder: Path, services: Collection[str], namespace: str
    ) -> None:
        self._items = items
        self._folder = folder
        self._services = services
        self.namespace = namespace
        self._require_namespace()

    def foundation(self, images: Mapping[str, str]) -> list[Object]:
        """Return what stands for all revisions, in the order in which it is applied."""
        return in_order(
            [
                with_template(with_images(item, images))
                for item in self._items
                if item["kind"] != "Job" and not self._is_revision(item)
            ]
        )

    def namespaces(self) -> list[Object]:
        """Return the namespace itself, if the manifests have it."""
        return [item for item in self._items if item["kind"] == "Namespace"]

    def deployment(self, component: str) -> Object:
        """Return the Deployment that a service's revisions are made from. Raises InvalidInput."""
        found = self._one("Deployment", component)
        if not containers(found)[0].get("ports"):
            raise self._lacks(f"Deployment/{component} has no containerPort")
        return found

    def workload(self, component: str) -> Object | None:
        """Return what runs the database or the gateway; None when it runs somewhere else."""
        found = [
            item
            for item in self._items
            if item["kind"] in WORKLOADS and labels_of(item).get(COMPONENT) == component
        ]
        return found[0] if found else None

    def require_pod(self, database: str) -> None:
        """Raise InvalidInput when nothing here runs the database: it is asked in its own pod."""
        if self.workload(database) is None:
            raise InvalidInput(
                f"{database}, the database of this target, has no pod",
                why=f"{self._folder} renders nothing that runs it, and deploytool asks it by the "
                "psql in its pod",
                hint="deploy these manifests with kubectl: see docs/kubernetes.md",
                place=Place(self._folder),
            )

    def service(self, component: str) -> Object:
        """Return the Service by which a component is reached. Raises InvalidInput."""
        return self._one("Service", component)

    def job(self, name: str, images: Mapping[str, str]) -> Object:
        """Return a Job that ends by itself. Raises InvalidInput when there is none."""
        return with_images(self._one("Job", name), images)

    def fingerprint(self, component: str, image: str, meant: Mapping[str, str]) -> str:
        """Return the SHA-256, in hex, of an image and of all that the manifests add to it.

        meant: what references in the component's environment mean.
        """
        workload = self.deployment(component)
        return digest([image, own_part(workload), dict(meant)])

    def service_port(self, component: str) -> int:
        """Return the first port of a component's Service."""
        ports = self.service(component)["spec"].get("ports") or []
        if not ports:
            raise self._lacks(f"Service/{component} has no port")
        return int(ports[0]["port"])

    def inner_url(self, component: str) -> str:
        """Return the base URL at which pods of the namespace reach a component's Service."""
        port = self.service_port(component)
        return f"http://{component}" + ("" if port == _HTTP_PORT else f":{port}")

    def replicas(self, component: str) -> int:
        """Return how many pods a service's stable revision is to have."""
        return int(self._one("Deployment", component)["spec"].get("replicas", 1))

    def scaled_elsewhere(self, component: str) -> bool:
        """Tell whether an autoscaler decides how many pods a component has."""
        return any(
            item["kind"] == "HorizontalPodAutoscaler"
            and item["spec"]["scaleTargetRef"]["name"] == component
            for item in self._items
        )

    def _is_revision(self, item: Object) -> bool:
        return item["kind"] == "Deployment" and item["metadata"]["name"] in self._services

    def _one(self, kind: str, name: str) -> Object:
        for item in self._items:
            if item["kind"] == kind and item["metadata"]["name"] == name:
                return item
        raise self._lacks(f"there is no {kind} {name!r} in the manifests")

    def _lacks(self, what: str) -> InvalidInput:
        return InvalidInput(
            what,
            why=f"{self._folder} renders {len(self._items)} objects without it",
            hint="add it, or correct the name in system.yaml or targets.yaml",
            place=Place(self._folder),
        )

    def _require_namespace(self) -> None:
        """Raise InvalidInput when an object would go to another namespace than the target's."""
        for item in self._items:
            found = item["metadata"].get("namespace", self.namespace)
            if item["kind"] == "Namespace":
                found = item["metadata"]["name"]
            if found != self.namespace:
                raise InvalidInput(
                    f"{item['kind']}/{item['metadata']['name']} belongs to another namespace",
                    why=f"{self._folder} puts it into {found!r}, targets.yaml says "
                    f"{self.namespace!r}",
                    hint="name the same namespace in both",
                    place=Place(self._folder),
                )


def parse(text: str) -> list[Object]:
    """Return the objects of a rendered text."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [dict(item) for item in yaml.load_all(text, Loader=loader) if item]


def own_part(workload: Object) -> Object:
    """Return a Deployment without what its revisions have of their own, and its pods' number.

    The declaration says what the environment is, the revision what the image.
    """
    spec = {name: value for name, value in workload["spec"].items() if name != "replicas"}
    template = spec["template"]
    first, *others = template["spec"]["containers"]
    own = {name: value for name, value in first.items() if name not in _REVISION_S}
    own |= looked_up(first)
    pod = {**template["spec"], "containers": [own, *others]}
    notes = annotations_of(workload)
    return {
        **spec,
        "template": {**template, "spec": pod},
        **({"annotations": notes} if notes else {}),
    }


def looked_up(container: Object) -> Object:
    """Return the settings that the cluster looks up for each pod; no declaration can say these."""
    found = {
        "env": [each for each in container.get("env") or [] if "valueFrom" in each],
        "envFrom": [each for each in container.get("envFrom") or [] if "secretRef" in each],
    }
    return {name: entries for name, entries in found.items() if entries}


_REVISION_S = frozenset({"image", "env", "envFrom"})


def with_images(item: Object, images: Mapping[str, str]) -> Object:
    """Return an object that runs other images. images: name without registry -> image."""

    def with_image(container: Object) -> Object:
        image = container["image"]
        return {**container, "image": images.get(image_base(image), image)}

    return with_containers(item, with_image)


def with_release(items: Sequence[Object], images: Mapping[str, str], folder: Path) -> list[Object]:
    """Return the objects with the images of a release in all containers.

    images: all that it holds, name without registry -> image. folder: where the objects come from,
    for messages. Raises InvalidInput when it lacks one: none is to run that nothing proves.
    """
    lacking = [
        f"container {each['name']} of {item['kind']}/{item['metadata']['name']} runs "
        f"{each['image']}"
        for item in items
        for each in all_containers(item)
        if image_base(each["image"]) not in images
    ]
    if lacking:
        raise InvalidInput(
            f"the release lacks images that {folder} runs",
            why=f"{'; '.join(lacking)}; the release has {', '.join(sorted(images))}",
            hint="name images of the release in these containers, or take them out of the "
            "manifests",
            place=Place(folder),
        )
    return [with_images(item, images) for item in items]


def with_release_in(rendered: str, images: Mapping[str, str], folder: Path) -> str:
    """Return a rendered text whose objects run the images of a release; see `with_release`."""
    items = with_release(parse(rendered), images, folder)
    return yaml.safe_dump_all(items, sort_keys=False, explicit_start=True)


def with_template(item: Object) -> Object:
    """Return a workload whose pods bear what names their template; other objects as they are."""
    if item["kind"] not in WORKLOADS:
        return item
    template = item["spec"]["template"]
    named = with_marks(template, {TEMPLATE: digest(template)[:12]})
    return {**item, "spec": {**item["spec"], "template": named}}
