"""Jobs that end by themselves: run once, waited for, their words kept."""

import time
from collections.abc import Callable
from contextlib import suppress
from subprocess import CompletedProcess

from deploytool.errors import DeployError, NotReady
from deploytool.platforms.base import Condition
from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.inspection import Inspection
from deploytool.platforms.kubernetes.objects import (
    MANAGER,
    Key,
    Object,
    digest,
    key_of,
    selector,
    with_marks,
)
from deploytool.platforms.kubernetes.pods import judge_pod

_LOOK_S = 0.1
_LINES = 100
_GONE_S = 60.0
_OURS = {MANAGER: "deploytool"}
_UID = "batch.kubernetes.io/controller-uid"


class Jobs:
    """Runs Jobs in one namespace. mask: hides secrets in what they write."""

    def __init__(
        self, cluster: Cluster, inspection: Inspection, mask: Callable[[str], str]
    ) -> None:
        self._cluster = cluster
        self._inspection = inspection
        self._mask = mask
        self._begun: set[Key] = set()

    def run(self, item: Object, look: Callable[[], None]) -> "CompletedProcess[str]":
        """Run a Job to its end, or wait for the same one that was begun; then delete it.

        Returns 0 or 1 and what its last pod wrote. look: is called again and again meanwhile; what
        it raises ends the Job. Raises NotReady when it does not start.
        """
        key = self.begin(item)
        self._begun.discard(key)
        try:
            code, output = self._await(key, look)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                self._cluster.hurry()
            with suppress(DeployError):  # what has ended the waiting is what is told
                self._cluster.delete(key)
            raise
        self._delete(key, _GONE_S)
        return CompletedProcess([key.name], code, stdout=output, stderr="")

    def begin(self, item: Object) -> Key:
        """Start a Job, and do not wait; `run` then does.

        Not where the same one was begun already: by others, and has not ended, or here.
        """
        # A Job cannot be changed: another content is another name.
        name = f"{item['metadata']['name']}-{digest(item)[:10]}"
        spec = {key: value for key, value in item["spec"].items() if key != "suspend"}
        named = {**item, "metadata": {**item["metadata"], "name": name}, "spec": spec}
        key = Key(item["apiVersion"], item["kind"], self._cluster.namespace, name)
        if key in self._begun:
            return key
        found = self._cluster.get(key)
        if found is not None and _ended(found) is not None:
            self._delete(key, _GONE_S)
            found = None
        if found is None:
            self._cluster.create(with_marks(named, _OURS))
        self._begun.add(key)
        return key

    def remove(self) -> None:
        """Delete those that an operation left behind which was killed, or stopped waiting."""
        for item in self._cluster.list("batch/v1", "Job", selector(_OURS)):
            self._cluster.delete(key_of(item, self._cluster.namespace))

    def _await(self, key: Key, look: Callable[[], None]) -> tuple[int, str]:
        began = time.monotonic()
        while True:
            found = self._cluster.get(key) or {}
            live = self._pods(found)
            code = _ended(found)
            # The pod's phase and the Job's controller say so a second or two later.
            if any(_has_succeeded(pod) for pod in live):
                code = 0
            if code is not None:
                return code, self._output(live)
            pods = [judge_pod(pod, time.monotonic() - began) for pod in live]
            stuck = next((p for p in pods if p.condition is Condition.FAILED and not p.died), None)
            if stuck is not None:
                raise self._not_started(key, live, stuck.reason)
            try:
                look()
            except Exception as error:
                if all(pod.condition is Condition.WAITING for pod in pods):
                    why = "; ".join(pod.reason for pod in pods)
                    raise self._not_started(key, live, why) from error
                raise
            time.sleep(_LOOK_S)

    def _not_started(self, key: Key, live: list[Object], why: str) -> NotReady:
        # Of a Secret or a quota, for example, only events tell.
        names = [("Pod", str(pod["metadata"]["name"])) for pod in live]
        warning = self._inspection.warning((key.kind, key.name), *names)
        return NotReady(
            f"{key} did not start",
            why="; ".join([self._mask(why) or "it has no pod", *([warning] if warning else [])]),
            hint="correct the cause named, then repeat the command",
        )

    def _output(self, found: list[Object]) -> str:
        pods = sorted(found, key=lambda pod: pod["metadata"]["creationTimestamp"])
        if not pods:
            return ""
        return self._cluster.pod_log(pods[-1]["metadata"]["name"], [("tailLines", str(_LINES))])

    def _pods(self, job: Object) -> list[Object]:
        """Return a Job's own pods: one of before by its name may have some that still end."""
        uid = job.get("metadata", {}).get("uid")
        return self._cluster.list("v1", "Pod", selector({_UID: uid})) if uid else []

    def _delete(self, key: Key, timeout_s: float) -> None:
        self._cluster.delete(key)
        deadline = time.monotonic() + timeout_s
        while self._cluster.get(key) is not None and time.monotonic() < deadline:
            time.sleep(_LOOK_S)


def _has_succeeded(pod: Object) -> bool:
    """Tell whether every container of a pod has ended well."""
    states = [each.get("state") or {} for each in pod["status"].get("containerStatuses") or []]
    ended = [state["terminated"] for state in states if "terminated" in state]
    return bool(ended) and len(ended) == len(states) and not any(e["exitCode"] for e in ended)


def _ended(job: Object) -> int | None:
    for each in (job.get("status") or {}).get("conditions") or []:
        if each["status"] == "True" and each["type"] in {"Complete", "Failed"}:
            return 0 if each["type"] == "Complete" else 1
    return None
