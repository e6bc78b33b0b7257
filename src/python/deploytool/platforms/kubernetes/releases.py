"""Installed revisions as ConfigMaps: what starts them again from any machine."""

import time
from collections.abc import Collection

from pydantic import ValidationError

from deploytool.errors import PlatformFailed
from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.objects import (
    COMPONENT,
    REVISION,
    Key,
    Object,
    annotations_of,
    selector,
)
from deploytool.platforms.kubernetes.workloads import Kept, settings_name
from deploytool.system.revision import Revision

_RELEASE = "deploytool/release"
_INSTALLED = "deploytool/installed"
# Beside those that are needed: a build that is tried again soon need not be installed again.
_KEPT = 5
# What a pod can name, so that it does not start without it.
_MENTIONED = frozenset({"ConfigMap", "Secret", "ServiceAccount", "PersistentVolumeClaim"})


class ClusterReleases:
    """The installed revisions of one namespace."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def install(self, revision: Revision, kept: Kept) -> None:
        """Keep what a revision is started from, as the newest.

        The image of what was built here stays known, whatever release has the same content.
        """
        if not kept.image and (before := self._found(revision.component, revision.id)) is not None:
            kept = kept.model_copy(update={"image": before.image})
        item: Object = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": _name(revision.component, revision.id),
                "labels": {
                    COMPONENT: revision.component,
                    REVISION: revision.id,
                    _RELEASE: "true",
                },
                "annotations": {_INSTALLED: f"{time.time():.3f}"},
            },
            "data": {"revision": revision.model_dump_json(), "kept": kept.model_dump_json()},
        }
        self._cluster.apply(item)

    def kept(self, component: str, revision: str) -> Kept:
        """Return what an installed revision is started from. Raises PlatformFailed."""
        found = self._found(component, revision)
        if found is None:
            raise PlatformFailed(
                f"{component} {revision} is not installed",
                why=f"there is no ConfigMap/{_name(component, revision)}, or it is damaged",
                hint=f"choose one that `deploytool status` lists for {component}",
            )
        return found

    def revisions(self, component: str) -> list[Revision]:
        """Return the installed revisions of a component, newest first."""
        found = self._cluster.list(
            "v1", "ConfigMap", selector({COMPONENT: component, _RELEASE: "true"})
        )
        found.sort(key=lambda item: annotations_of(item).get(_INSTALLED, ""), reverse=True)
        revisions = []
        for item in found:
            try:
                revisions.append(Revision.model_validate_json(item["data"]["revision"]))
            except (ValidationError, LookupError):
                continue  # the next install repairs it
        return revisions

    def prune(self, component: str, needed: Collection[str]) -> None:
        """Remove all revisions but the newest few and those given, with their settings."""
        for revision in self.revisions(component)[_KEPT:]:
            if revision.id not in needed:
                self._cluster.delete(self._key(settings_name(component, revision.id)))
                self._cluster.delete(self._key(_name(component, revision.id)))

    def needs(self, key: Key) -> bool:
        """Tell whether an installed revision's pods mention an object: one that they can need.

        Whatever else is named like a component would seem to be mentioned.
        """
        if key.kind not in _MENTIONED:
            return False
        found = self._cluster.list("v1", "ConfigMap", selector({_RELEASE: "true"}))
        return any(f'"{key.name}"' in (item.get("data") or {}).get("kept", "") for item in found)

    def _found(self, component: str, revision: str) -> Kept | None:
        """Return what is kept of a revision; None where there is nothing that can be read."""
        item = self._cluster.get(self._key(_name(component, revision)))
        try:
            return Kept.model_validate_json(((item or {}).get("data") or {}).get("kept", ""))
        except ValidationError:
            return None

    def _key(self, name: str) -> Key:
        return Key("v1", "ConfigMap", self._cluster.namespace, name)


def _name(component: str, revision: str) -> str:
    return f"release-{component}-{revision}"
