"""Jobs that end by themselves, on objects in memory."""

from collections.abc import Iterator
from itertools import repeat

import pytest

from deploytool.errors import NotReady
from deploytool.platforms.kubernetes.api import Query
from deploytool.platforms.kubernetes.inspection import Inspection
from deploytool.platforms.kubernetes.jobs import Jobs
from deploytool.platforms.kubernetes.objects import MANAGER, Key, Object
from deploytool.platforms.kubernetes.replies import Away
from tests.deploytool.platforms.kubernetes.memory import Memory

UID = "batch.kubernetes.io/controller-uid"
JOB: Object = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "migrations"},
    "spec": {"template": {"spec": {}}},
}


class Controller(Memory):
    """Makes a pod of each Job. phase: of that pod. looks: how the Job is, look by look."""

    def __init__(self, phase: str) -> None:
        super().__init__()
        self.phase = phase
        self.looks: Iterator[str] = repeat("Running")
        self.made = 0
        self.looked = False

    def get(self, key: Key) -> Object | None:
        found = super().get(key)
        if found and key.kind == "Job" and (condition := next(self.looks)) != "Running":
            found["status"] = {"conditions": [{"type": condition, "status": "True"}]}
        return found

    def create(self, item: Object) -> Object | None:
        if item["kind"] == "Job":
            self.made += 1
            uid = f"uid-{self.made}"
            item = {**item, "metadata": {**item["metadata"], "uid": uid}}
            self.create(pod(item["metadata"]["name"], uid, self.phase))
        return super().create(item)

    def pod_log(self, pod: str, query: Query) -> str:
        assert query == [("tailLines", "100")]
        return f"of {pod}"


def pod(job: str, uid: str, phase: str) -> Object:
    labels = {"batch.kubernetes.io/job-name": job, UID: uid}
    meta = {"name": f"pod-{uid}", "labels": labels, "creationTimestamp": "2026-11-26T00:00:00Z"}
    states = [{"terminated": {"exitCode": 0}}] if phase == "Succeeded" else []
    status = {"phase": phase, "containerStatuses": statuses(*states)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "status": status}


def statuses(*states: Object) -> list[Object]:
    return [{"name": "it", "state": state} for state in states]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploytool.platforms.kubernetes.jobs._LOOK_S", 0.001)


def wait() -> None:
    """Look, and wait on."""


def give_up() -> None:
    raise TimeoutError


def jobs(cluster: Memory) -> Jobs:
    return Jobs(cluster, Inspection(cluster, str), str)


def test_a_job_is_run_to_its_end_and_deleted() -> None:
    cluster = Controller("Succeeded")
    done = jobs(cluster).run(JOB, wait)
    assert (done.returncode, done.stdout) == (0, "of pod-uid-1")
    assert [key.kind for key in cluster.objects] == ["Pod"]


def test_a_pod_of_an_earlier_job_of_the_same_name_is_not_this_ones() -> None:
    cluster = Controller("Succeeded")
    jobs(cluster).run(JOB, wait)
    # The pod of the one that ended well is there still; the next one fails after a moment.
    cluster.phase, cluster.looks = "Running", iter(["Running", "Failed"])
    done = jobs(cluster).run(JOB, wait)
    assert (done.returncode, done.stdout) == (1, "of pod-uid-2")


def test_a_job_that_was_begun_and_has_ended_meanwhile_is_not_run_again() -> None:
    cluster = Controller("Pending")
    begun = jobs(cluster)
    begun.begin(JOB)
    begun.begin(JOB)
    cluster.looks = repeat("Complete")
    assert begun.run(JOB, wait).returncode == 0
    # The next one is another one, whoever asks for it.
    assert begun.run(JOB, wait).returncode == 0
    assert cluster.made == 2


def test_a_job_that_others_began_is_waited_for_and_one_of_theirs_that_has_ended_is_run_again() -> (
    None
):
    cluster = Controller("Pending")
    jobs(cluster).begin(JOB)
    jobs(cluster).begin(JOB)
    assert cluster.made == 1
    cluster.looks = repeat("Failed")
    jobs(cluster).begin(JOB)
    assert cluster.made == 2


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([{"terminated": {"exitCode": 0}}], 0),
        ([{"terminated": {"exitCode": 0}}, {"running": {}}], 1),
        ([{"terminated": {"exitCode": 3}}], 1),
        ([], 1),
    ],
)
def test_a_pod_has_succeeded_once_all_its_containers_have(states: list[Object], code: int) -> None:
    cluster = Controller("Running")
    begun = jobs(cluster)
    begun.begin(JOB)
    [made] = [item for key, item in cluster.objects.items() if key.kind == "Pod"]
    made["status"]["containerStatuses"] = statuses(*states)
    cluster.looks = iter(["Running", "Failed"])
    assert begun.run(JOB, wait).returncode == code


def test_what_a_killed_operation_left_behind_is_removed_and_others_jobs_stay() -> None:
    cluster = Memory()
    for name, labels in (("migrations-1f", {MANAGER: "deploytool"}), ("backup", {MANAGER: "helm"})):
        cluster.create({**JOB, "metadata": {"name": name, "labels": labels}})
    jobs(cluster).remove()
    assert [key.name for key in cluster.objects] == ["backup"]


def test_a_job_whose_pod_is_refused_is_told_with_why() -> None:
    with pytest.raises(NotReady) as refused:
        jobs(Refusing()).run(JOB, give_up)
    assert refused.value.why == "it has no pod; FailedCreate: exceeded quota"


@pytest.mark.parametrize("end", [TimeoutError, KeyboardInterrupt])
def test_a_job_that_runs_is_deleted_when_nobody_waits_for_it_any_more(
    end: type[BaseException],
) -> None:
    cluster = Controller("Running")

    def look() -> None:
        [made] = [item for key, item in cluster.objects.items() if key.kind == "Pod"]
        made["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
        if cluster.looked:
            raise end
        cluster.looked = True

    with pytest.raises(end):
        jobs(cluster).run(JOB, look)
    assert [key.kind for key in cluster.objects] == ["Pod"]


class GoingAway(Controller):
    """Does not answer any more when the Job is to be deleted."""

    def delete(self, key: Key, *, version_read: str = "") -> bool:
        del version_read
        raise Away(f"{key} cannot be deleted", why="the API server is away", hint="")


def test_an_interruption_is_told_as_one_though_its_job_cannot_be_deleted() -> None:
    def look() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        jobs(GoingAway("Running")).run(JOB, look)


class Refusing(Memory):
    """Makes no pod, and says why."""

    def warnings(self, kind: str, name: str) -> list[Object]:
        assert (kind, name.rpartition("-")[0]) == ("Job", "migrations")
        return [{"reason": "FailedCreate", "message": "exceeded quota"}]
