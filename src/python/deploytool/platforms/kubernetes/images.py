"""The images of a Kubernetes target: in its registry, and named by their digest."""

import json
from collections.abc import Mapping
from pathlib import Path

from deploytool.platforms.images import image_base, image_name, released_build
from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.objects import Key, Object
from deploytool.platforms.registry import Registry
from deploytool.programs import at_once

NAME = "deploytool-images"
# In it: NAME:TAG -> the name, with a digest, by which it is pulled; NAME -> what was deployed last.
_PUSHED, _CURRENT = "content", "current"


class ClusterImages:
    """What was built, by the names under which the cluster pulls it.

    artifacts: component, or another service -> what Pants wrote about its image, or a release says
    of it: that one is in a registry already, and stays where it is.
    """

    def __init__(self, cluster: Cluster, registry: str, artifacts: Mapping[str, Path]) -> None:
        self._cluster = cluster
        self._registry = Registry(registry)
        images = [path for path in artifacts.values() if path.suffix == ".json" and path.is_file()]
        builds = {image_name(path): released_build(path) for path in images}
        self._built = [name for name, build in builds.items() if build is None]
        self._released = {name: build.image.image for name, build in builds.items() if build}
        self._kept: dict[str, dict[str, str]] | None = None

    def push(self) -> None:
        """Push what was built and not pushed yet; remember what runs now, by digests.

        Raises PlatformFailed; CheckFailed when the registry holds another image in its place.
        """
        known = dict(self._pushed())
        missing = [name for name in self._built if name not in known]
        digests = dict(zip(missing, at_once(self._registry.digest, missing), strict=True))
        for name, digest in digests.items():
            known[name] = self._registry.reference(name, digest or self._registry.push(name))
        runs = {name: known[name] for name in self._built} | self._released
        current = self._before() | {image_base(name): runs[name] for name in runs}
        if missing or current != self._read(_CURRENT):
            self._keep({_PUSHED: known, _CURRENT: current})

    def by_base(self) -> dict[str, str]:
        """Return name of an image, without registry and tag -> what to run of it.

        What was not built for this command stays as it was deployed last: the manifests name no
        image that anybody could run.
        """
        names = [*self._built, *self._released]
        built = {image_base(name): self.reference(name) for name in names}
        return self._before() | built

    def reference(self, name: str) -> str:
        """Return the name by which an image, NAME:TAG, is pulled: its digest once it is pushed."""
        known = self._released.get(name) or self._pushed().get(name)
        return known or f"{self._registry.address}/{name}"

    @property
    def released(self) -> dict[str, str]:
        """The images of the release that is deployed: name -> NAME@DIGEST; none without one."""
        return {image_base(name): image for name, image in self._released.items()}

    def _before(self) -> dict[str, str]:
        """Return what goes on as it was deployed last: nothing of it beside a release."""
        return {} if self._released else self._read(_CURRENT)

    def _pushed(self) -> dict[str, str]:
        # Of another registry it says nothing.
        start = f"{self._registry.address}/"
        return {k: v for k, v in self._read(_PUSHED).items() if v.startswith(start)}

    def _read(self, what: str) -> dict[str, str]:
        if self._kept is None:
            data = (self._cluster.get(self._key()) or {}).get("data") or {}
            self._kept = {name: json.loads(text) for name, text in data.items()}
        return self._kept.get(what, {})

    def _keep(self, kept: Mapping[str, dict[str, str]]) -> None:
        item: Object = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": NAME, "namespace": self._cluster.namespace},
            "data": {k: json.dumps(v, indent=1, sort_keys=True) for k, v in kept.items()},
        }
        if self._cluster.replace(item) is None:
            self._cluster.create(item)
        self._kept = dict(kept)

    def _key(self) -> Key:
        return Key("v1", "ConfigMap", self._cluster.namespace, NAME)
