"""A cluster that is a few objects in memory."""

import copy
import re
from collections.abc import Callable, Mapping
from itertools import count
from typing import TypeVar

from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.objects import Key, Object, key_of, labels_of

Result = TypeVar("Result")
# Of the demands of a selector; not of the values of one.
_BETWEEN = re.compile(r",(?![^(]*\))")


class Memory(Cluster):
    """Objects of one namespace.

    loses_answers: each change is sent a second time, as its first answer does not arrive.
    """

    def __init__(self) -> None:
        super().__init__(None, "shop")
        self.objects: dict[Key, Object] = {}
        self.loses_answers = False
        self.is_hurried = False
        self._versions = count(1)

    def hurry(self) -> None:
        super().hurry()
        self.is_hurried = True

    def get(self, key: Key) -> Object | None:
        return copy.deepcopy(self.objects.get(key))

    def warnings(self, kind: str, name: str) -> list[Object]:
        wanted = {"kind": kind, "name": name}
        events = self.list("v1", "Event")
        return [
            each
            for each in events
            if each["type"] == "Warning" and wanted.items() <= each["involvedObject"].items()
        ]

    def list(self, version: str, kind: str, selector: str = "") -> list[Object]:
        """Return them as a server does: in whatever version of their group is asked for."""
        return [
            copy.deepcopy({**item, "apiVersion": version})
            for key, item in self.objects.items()
            if (_group(key.version), key.kind) == (_group(version), kind)
            and all(_is_so(labels_of(item), each) for each in _BETWEEN.split(selector) if each)
        ]

    def apply(self, item: Object, *, is_dry_run: bool = False) -> Object:
        return item if is_dry_run else self._put(item)

    def knows(self, version: str, kind: str) -> bool:
        del version, kind
        return True

    def is_namespaced(self, version: str, kind: str) -> bool:
        return self.knows(version, kind) and kind != "Namespace"

    def create(self, item: Object) -> Object | None:
        return self._sent(lambda: self._create(item))

    def replace(self, item: Object) -> Object | None:
        return self._sent(lambda: self._replace(item))

    def delete(self, key: Key, *, version_read: str = "") -> bool:
        return self._sent(lambda: self._delete(key, version_read))

    def _sent(self, change: Callable[[], Result]) -> Result:
        if self.loses_answers:
            change()
        return change()

    def _create(self, item: Object) -> Object | None:
        return None if key_of(item, self.namespace) in self.objects else self._put(item)

    def _replace(self, item: Object) -> Object | None:
        found = self.objects.get(key_of(item, self.namespace))
        read = item["metadata"].get("resourceVersion")
        if found is None or (read and read != found["metadata"]["resourceVersion"]):
            return None
        return self._put(item)

    def _delete(self, key: Key, version_read: str) -> bool:
        found = self.objects.get(key)
        if found is None or version_read not in {"", found["metadata"]["resourceVersion"]}:
            return False
        del self.objects[key]
        return True

    def _put(self, item: Object) -> Object:
        kept = copy.deepcopy(item)
        kept["metadata"]["resourceVersion"] = str(next(self._versions))
        self.objects[key_of(item, self.namespace)] = kept
        return copy.deepcopy(kept)


def _group(version: str) -> str:
    return version.rpartition("/")[0]


def _is_so(labels: Mapping[str, str], wanted: str) -> bool:
    name, among, values = wanted.partition(" in ")
    if among:
        return labels.get(name) in values.strip("()").split(",")
    name, sign, value = wanted.partition("=")
    return labels.get(name) == value if sign else name in labels
