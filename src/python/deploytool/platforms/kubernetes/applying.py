"""Applies the objects that stand for all revisions: only what differs, and nothing is left over.

What is as it was applied last costs one look. Of the rest the server says, in a dry run, what it
would change, so that its own defaults are no differences.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice

from deploytool.platforms.kubernetes.api import FIELD_MANAGER, Cluster
from deploytool.platforms.kubernetes.objects import (
    APPLIED,
    FOUNDATION,
    MANAGER,
    Key,
    Object,
    annotations_of,
    declared,
    differences,
    digest,
    holds,
    key_of,
    labels_of,
    with_marks,
)
from deploytool.platforms.kubernetes.ownership import added
from deploytool.platforms.kubernetes.replies import Conflict, Refused

# The ConfigMap that names what was applied: an object that is gone bears no mark any more.
NAME = "deploytool-foundation"
_APPLIED = "applied"

_SHOWN = 3
# Where something may be left over, though the manifests have nothing of the kind any more.
_PRUNED = (
    ("v1", "ConfigMap"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("gateway.networking.k8s.io/v1", "Gateway"),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
    ("networking.k8s.io/v1", "Ingress"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("policy/v1", "PodDisruptionBudget"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
)
_DEFINITION = "CustomResourceDefinition"
# Others may have put things into a namespace, and data is nobody's to delete by the way. With a
# definition go everybody's objects of its kind.
_OUTLIVING = frozenset({"Namespace", "PersistentVolumeClaim", _DEFINITION})
# To which no controller adds anything, and whoever else does changes what all of it means: one more
# rule of a policy opens what the others close.
_WHOLE = frozenset({"NetworkPolicy"})


@dataclass(frozen=True, slots=True)
class Difference:
    """Why one object is not as it should be.

    wanted: None for one that should not be there. is_drift: it was applied as it is wanted, and
    changed since; or it was applied, and is gone.
    """

    key: Key
    why: str
    wanted: Object | None
    is_drift: bool = False


class Applying:
    """The foundation of one target in its cluster.

    adapt: returns what an object of the manifests has to be, given what it is now.
    """

    def __init__(self, cluster: Cluster, adapt: Callable[[Object, Object], Object]) -> None:
        self._cluster = cluster
        self._adapt = adapt

    def differences(
        self, items: Sequence[Object], is_kept: Callable[[Key], bool]
    ) -> list[Difference]:
        """Return what is not as the objects say, in their order, then what is left over.

        is_kept: tells of something left over that it is needed still. Nothing is changed.
        """
        wanted = [self._marked(item) for item in items]
        live = self._live(wanted)
        stood = self._noted()
        compared = self._cluster.at_once(lambda item: self._difference(item, live, stood), wanted)
        changed = [each for each in compared if each is not None]
        here = {_identity(key_of(item, self._cluster.namespace)) for item in wanted}
        left = [
            Difference(key, "no longer in the manifests", None)
            for key, item in live.items()
            if labels_of(item).get(FOUNDATION)
            and key.kind not in _OUTLIVING
            and _identity(key) not in here
            and not is_kept(key)
        ]
        return [*changed, *left]

    def carry_out(self, found: Iterable[Difference]) -> None:
        """Apply or delete what differs, in order: objects of one kind at the same time.

        Raises Conflict, PlatformFailed.
        """
        for kind, some in groupby(found, lambda each: each.key.kind):
            self._cluster.at_once(self._carry_out, some)
            if kind == _DEFINITION:
                self._cluster.forget_kinds()

    def _carry_out(self, change: Difference) -> None:
        if change.wanted is None:
            self._cluster.delete(change.key)
        else:
            self._apply(change.wanted)

    def _apply(self, item: Object, *, is_dry_run: bool = False) -> Object:
        """Apply an object. Raises Conflict also for what others have added, which then stays."""
        found = self._cluster.apply(item, is_dry_run=is_dry_run)
        if why := _added(found):
            raise Conflict(
                f"{key_of(item, self._cluster.namespace)} has another owner",
                why=why,
                hint="undo the change there, or make it in the manifests as well",
            )
        return found

    def note(self, items: Sequence[Object]) -> None:
        """Keep which objects stand: one that is missing later was deleted by somebody else."""
        names = sorted(str(key_of(item, self._cluster.namespace)) for item in items)
        noted: Object = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": NAME},
            "data": {_APPLIED: "\n".join(names)},
        }
        self._cluster.apply(noted)

    def _noted(self) -> set[str]:
        data = (self._cluster.get(self._note_key()) or {}).get("data") or {}
        return set(data.get(_APPLIED, "").splitlines())

    def _note_key(self) -> Key:
        return Key("v1", "ConfigMap", self._cluster.namespace, NAME)

    def remove(self, items: Sequence[Object]) -> None:
        """Delete what was applied, the last first; what others made stays, and so does data."""
        # First: of what is deleted from here on nothing is missing.
        self._cluster.delete(self._note_key())
        live = self._live([self._marked(item) for item in items])
        for key, item in reversed(live.items()):
            is_own = labels_of(item).get(FOUNDATION) == self._cluster.namespace
            if is_own and key.kind not in _OUTLIVING:
                self._cluster.delete(key)

    def _marked(self, item: Object) -> Object:
        labels = {MANAGER: "deploytool"}
        if not _is_shared(item["kind"]):
            labels[FOUNDATION] = self._cluster.namespace
        return with_marks(item, labels, {APPLIED: digest(item)[:16]})

    def _live(self, wanted: Sequence[Object]) -> dict[Key, Object]:
        """Return what there is of the kinds that are wanted, or may be left over."""
        version_kinds = dict.fromkeys((item["apiVersion"], item["kind"]) for item in wanted)
        here = [each for each in {**version_kinds, **dict.fromkeys(_PRUNED)} if self._is_here(each)]
        elsewhere = [
            key_of(item, self._cluster.namespace)
            for item in wanted
            if not self._is_here((item["apiVersion"], item["kind"]))
        ]
        lists = self._cluster.at_once(lambda each: self._cluster.list(*each), here)
        found = [item for items in lists for item in items]
        known = [key for key in elsewhere if self._cluster.knows(key.version, key.kind)]
        found += [item for item in self._cluster.at_once(self._cluster.get, known) if item]
        return {key_of(item, self._cluster.namespace): item for item in found}

    def _is_here(self, version_kind: tuple[str, str]) -> bool:
        """Tell whether objects of the kind belong to the namespace."""
        return self._cluster.is_namespaced(*version_kind)

    def _difference(
        self, item: Object, live: Mapping[Key, Object], stood: Collection[str]
    ) -> Difference | None:
        key = key_of(item, self._cluster.namespace)
        is_now = live.get(key)
        if is_now is None:
            return Difference(key, "is not there", item, str(key) in stood)
        item = self._adapt(item, is_now)
        was_applied = annotations_of(is_now).get(APPLIED) == annotations_of(item)[APPLIED]
        if was_applied and holds(item, is_now) and not _added(is_now):
            return None
        try:
            will_be = self._apply(item, is_dry_run=True)
        except Conflict as conflict:
            why = f"was changed by another owner: {conflict.why}"
            return Difference(key, why, item, was_applied)
        except Refused as refused:
            return Difference(key, f"is refused: {refused.why}", item, was_applied)
        fields = list(differences(declared(is_now), declared(will_be)))
        if not fields and was_applied:
            return None
        if key.kind == "Secret":  # its values are nobody's to read
            fields = [field.partition(": ")[0] for field in fields]
        shown = "; ".join(islice(fields, _SHOWN))
        more = f" and {len(fields) - _SHOWN} more" if len(fields) > _SHOWN else ""
        return Difference(key, f"{shown}{more}" or "is not marked as applied", item, was_applied)


def _identity(key: Key) -> Key:
    """Return the same for an object in each version of its group: it is in the lists of all."""
    return replace(key, version=key.version.rpartition("/")[0])


def _added(live: Object) -> str:
    """Return who has added what to an object that has to be as it was applied; "" for nobody."""
    return added(live, FIELD_MANAGER) if live["kind"] in _WHOLE else ""


def _is_shared(kind: str) -> bool:
    """Tell whether objects of a kind serve every namespace, so that none may call them its own."""
    return kind.endswith("Class") or kind == _DEFINITION
