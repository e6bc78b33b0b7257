"""A cluster's API server, spoken to in plain objects: what is read, applied and deleted there.

The client library brings the credentials of a kubeconfig; its typed models, slow to import, are
left alone. A server that is away for a while is waited for.
"""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import urllib3

from deploytool.errors import InvalidInput
from deploytool.platforms.kubernetes.connection import connect
from deploytool.platforms.kubernetes.objects import Key, Object, api_path, key_of
from deploytool.platforms.kubernetes.replies import (
    CONFLICT,
    DENIED,
    FAILURE,
    NOT_FOUND,
    Reply,
    failure,
    words,
)
from deploytool.programs import at_once

FIELD_MANAGER = "deploytool"

_REQUEST_S = 30.0
# A server that is restarted is back within this time: whoever holds on loses no work.
_AWAY_S = 60.0
# What a request may take at most once somebody wants to go.
_HURRIED_S = 2.0
_RETRY_S = 0.5
# An unknown field is an error: a typo would be dropped in silence.
_OWN = (("fieldManager", FIELD_MANAGER), ("fieldValidation", "Strict"))

Query = Sequence[tuple[str, str]]
Item = TypeVar("Item")
Found = TypeVar("Found")


class Cluster:
    """One cluster, and the namespace in it that objects without one belong to.

    context: of the kubeconfig; None for its current one. on_wait: is told why the server has to be
    waited for, once each time. Every method raises PlatformFailed with the server's own words; all
    may be called from several threads.
    """

    def __init__(
        self, context: str | None, namespace: str, on_wait: Callable[[str], None] = lambda _: None
    ) -> None:
        self.context = context
        self.namespace = namespace
        self._on_wait = on_wait
        self._is_away = False
        self._patience_s = _AWAY_S
        self._request_s = _REQUEST_S
        self._client: Any = None
        self._kinds: dict[str, dict[str, tuple[str, bool]]] = {}

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.rest_client.close()

    def hurry(self) -> None:
        """Wait no longer for a server that is away: somebody wants to go."""
        self._patience_s, self._request_s = 0.0, _HURRIED_S

    def at_once(self, work: Callable[[Item], Found], items: "Iterable[Item]") -> "list[Found]":
        """Do the work on many items at a time; return what comes of each, in their order.

        Who interrupts that does not wait for the server, nor for the threads that do.
        """
        return at_once(work, items, on_interrupt=self.hurry)

    def get(self, key: Key) -> Object | None:
        """Return an object, None when there is none."""
        reply = self._send("GET", self.path(key), str(key), fine={NOT_FOUND})
        return None if reply.code == NOT_FOUND else reply.object

    def warnings(self, kind: str, name: str) -> list[Object]:
        """Return the events that warn about an object of the namespace."""
        about = f"involvedObject.kind={kind},involvedObject.name={name},type=Warning"
        path = self.path(Key("v1", "Event", self.namespace, ""))
        query = (("fieldSelector", about),)
        answer = self._send("GET", path, f"the events of {kind} {name}", query)
        return answer.object.get("items") or []

    def list(self, version: str, kind: str, selector: str = "") -> list[Object]:
        """Return the objects of a kind in the namespace, or in the cluster if they have none.

        selector: of labels. A kind that the cluster does not know has no objects.
        """
        if not self.knows(version, kind):
            return []
        path = self.path(Key(version, kind, self.namespace, ""))
        query = (("labelSelector", selector),) if selector else ()
        found = self._send("GET", path, f"the {kind} objects", query).object.get("items") or []
        return [{"apiVersion": version, "kind": kind, **item} for item in found]

    def apply(self, item: Object, *, is_dry_run: bool = False) -> Object:
        """Apply an object server side; return what it is then.

        Raises Conflict when somebody else set a field to another value.
        """
        key = key_of(item, self.namespace)
        query = (*_OWN, ("dryRun", "All")) if is_dry_run else _OWN
        content = "application/apply-patch+yaml"
        return self._send("PATCH", self.path(key), str(key), query, item, content).object

    def create(self, item: Object) -> Object | None:
        """Create an object; return it, or None when there is one of its name already."""
        key = key_of(item, self.namespace)
        path = self.path(Key(key.version, key.kind, key.namespace, ""))
        reply = self._send("POST", path, str(key), _OWN, item, fine={CONFLICT})
        return None if reply.code == CONFLICT else reply.object

    def replace(self, item: Object) -> Object | None:
        """Replace an object; None when it was changed or deleted since it was read."""
        key = key_of(item, self.namespace)
        fine = {CONFLICT, NOT_FOUND}
        reply = self._send("PUT", self.path(key), str(key), _OWN, item, fine=fine)
        return None if reply.code in fine else reply.object

    def delete(self, key: Key, *, version_read: str = "") -> bool:
        """Delete an object with what it owns; tell whether it was there.

        version_read: its resource version when it was read; then, changed since, it stays.
        """
        options: Object = {"propagationPolicy": "Background"}
        if version_read:
            options["preconditions"] = {"resourceVersion": version_read}
        fine = {CONFLICT, NOT_FOUND}
        reply = self._send("DELETE", self.path(key), str(key), body=options, fine=fine)
        return reply.code not in fine

    def proxied(self, pod: str, port: int, path: str, timeout_s: float) -> Reply:
        """GET a path from a pod by way of the API server, whatever it answers.

        What the server says for a pod that it did not reach is no answer of the pod: its code is 0.
        """
        place = f"/api/v1/namespaces/{self.namespace}/pods/{pod}:{port}/proxy{path}"
        try:
            with self.stream(place, (), timeout_s) as answer:
                reply = Reply(answer.status, answer.read())
                return Reply(0, reply.words.encode()) if reply.is_status else reply
        except urllib3.exceptions.HTTPError as error:
            return Reply(0, words(error).encode())

    def pod_log(self, pod: str, query: Query) -> str:
        """Return lines of a pod's log; "" when it has none."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}/log"
        try:
            with self.stream(path, query, _REQUEST_S) as answer:
                text: str = answer.read().decode(errors="replace")
                return text if answer.status < FAILURE else ""
        except urllib3.exceptions.HTTPError:
            return ""

    def stream(self, path: str, query: Query, timeout_s: float) -> Any:
        """Begin a GET; return urllib3's response, still to be read and closed.

        timeout_s: of connecting, and of each silence. Raises urllib3's HTTPError.
        """
        return self._begin("GET", path, query, None, "", timeout_s)

    def knows(self, version: str, kind: str) -> bool:
        """Tell whether the cluster has a kind of object."""
        return kind in self._known(version)

    def is_namespaced(self, version: str, kind: str) -> bool:
        """Tell whether objects of a kind belong to namespaces."""
        return self._known(version).get(kind, ("", True))[1]

    def path(self, key: Key) -> str:
        """Return where an object, or without a name its kind, is found. Raises InvalidInput."""
        if not self.knows(key.version, key.kind):
            raise InvalidInput(
                f"the cluster does not know {key.kind} of {key.version}",
                why="neither its API server nor a custom resource definition has that kind",
                hint="install what brings it, or take it out of the manifests",
            )
        plural, is_namespaced = self._known(key.version)[key.kind]
        place = f"/namespaces/{key.namespace}" if is_namespaced else ""
        return f"{api_path(key.version)}{place}/{plural}{f'/{key.name}' if key.name else ''}"

    def forget_kinds(self) -> None:
        """Ask anew which kinds there are, once a definition of some was applied."""
        self._kinds = {}

    def _known(self, version: str) -> dict[str, tuple[str, bool]]:
        """Return kind -> (its name in paths, whether it is namespaced) of an API version."""
        if version not in self._kinds:
            path = api_path(version)
            reply = self._send("GET", path, f"the kinds of {version}", fine={NOT_FOUND})
            self._kinds[version] = {
                each["kind"]: (each["name"], bool(each["namespaced"]))
                for each in reply.object.get("resources") or []
                if "/" not in each["name"]
            }
        return self._kinds[version]

    def _send(
        self,
        method: str,
        path: str,
        about: str,
        query: Query = (),
        body: Object | None = None,
        content: str = "application/json",
        fine: "set[int] | frozenset[int]" = frozenset(),
    ) -> Reply:
        """Send a request that may be repeated, until the server answers it.

        about: what it is about, for people. fine: codes of failures that are an answer, too.
        """
        began = time.monotonic()
        try:
            while True:
                reply = self._tried(method, path, query, body, content)
                was_away = self._is_away
                is_answer = self._is_answer(reply)
                if self._is_away and not was_away:
                    self._on_wait(f"the API server does not answer: {reply.words}")
                if 0 < reply.code < FAILURE or reply.code in fine:
                    return reply
                if is_answer or time.monotonic() - began > self._patience_s:
                    raise failure(method, about, reply, self.context)
                time.sleep(_RETRY_S)
        except KeyboardInterrupt:
            self.hurry()
            raise

    def _tried(
        self, method: str, path: str, query: Query, body: Object | None, content: str
    ) -> Reply:
        try:
            with self._begin(method, path, query, body, content, self._request_s) as answer:
                return Reply(answer.status, answer.read())
        except urllib3.exceptions.HTTPError as error:
            return Reply(0, words(error).encode())

    def _is_answer(self, reply: Reply) -> bool:
        """Tell whether a reply is what the server has to say; note whether it is away."""
        was_away = self._is_away
        if reply.code in DENIED:
            # One that has just started does not know yet who may do what, and refuses everything:
            # what it refused until now it may allow.
            self._is_away = not self._is_ready()
            return not self._is_away and not was_away
        self._is_away = reply.is_passing
        return not self._is_away

    def _is_ready(self) -> bool:
        try:
            with self._begin("GET", "/readyz", (), None, "", self._request_s) as answer:
                # Where that may not be asked: not while it is coming back.
                return answer.status < FAILURE or (answer.status in DENIED and not self._is_away)
        except urllib3.exceptions.HTTPError:
            return False

    def _begin(
        self, method: str, path: str, query: Query, body: Object | None, content: str, wait_s: float
    ) -> Any:
        if self._client is None:
            self._client = connect(self.context)
        headers: dict[str, str] = {"Accept": "application/json", "User-Agent": FIELD_MANAGER}
        if content:
            headers["Content-Type"] = content
        _, url, headers, _, _ = self._client.param_serialize(
            method, path, header_params=headers, query_params=list(query),
            auth_settings=["BearerToken"],
        )  # fmt: skip
        return self._client.rest_client.pool_manager.request(
            method, url, headers=headers, retries=False, preload_content=False,
            body=None if body is None else json.dumps(body).encode(),
            timeout=urllib3.Timeout(connect=min(wait_s, 5.0), read=wait_s),
        )  # fmt: skip
