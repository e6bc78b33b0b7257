"""State, lock and wish in a namespace: what holds between machines, on a real API server."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from uuid import uuid4

import pytest

from deploytool.errors import Locked, RecordFailed
from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.objects import Key
from deploytool.platforms.kubernetes.store import LOCK, ClusterStore
from deploytool.record.store import Holder, TargetState, Wish
from deploytool.system.revision import Revision
from tests.end_to_end.deployed import until

REVISION = Revision(component="web", id="0123456789ab", artifact="a" * 64, environment={"X": "y"})


def holder(run: str) -> Holder:
    return Holder(user="ada", host="one", pid=7, command="up", run=run, since="2026-11-26T00:00:00")


def wish(run: str) -> Wish:
    return Wish(
        wanted="abort", run=run, by="second", user="ada", host="one", since="2026-11-26T00:00:00"
    )


@pytest.fixture
def namespace(cluster: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A namespace that is not there yet, and gone afterwards."""
    monkeypatch.setenv("KUBECONFIG", str(cluster))
    found = Cluster(None, f"test-store-{uuid4().hex[:8]}")
    yield found
    found.delete(Key("v1", "Namespace", "", found.namespace))
    found.close()


def store(cluster: Cluster) -> ClusterStore:
    """Return a store as another process would open it."""

    def require_namespace() -> None:
        name = {"name": cluster.namespace}
        cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": name})

    return ClusterStore(cluster, require_namespace)


def test_what_is_saved_is_read_by_any_other(namespace: Cluster) -> None:
    one, other = store(namespace), store(namespace)
    assert other.load() == TargetState()
    with one.lock(holder("first")):
        one.save(TargetState(stable={"web": REVISION}))
    assert other.load().stable == {"web": REVISION}
    assert other.holder() is None


def test_a_living_holder_keeps_the_lock_and_is_named(namespace: Cluster) -> None:
    one, other = store(namespace), store(namespace)
    with one.lock(holder("first")):
        assert other.holder() == holder("first")
        with pytest.raises(Locked) as refused, other.lock(holder("second")):
            pass
        assert "run first" in refused.value.why
        assert "ada@one" in refused.value.why
    with other.lock(holder("second")):
        assert one.holder() == holder("second")


def test_a_dead_holder_loses_the_lock_within_seconds(namespace: Cluster) -> None:
    one, other = store(namespace), store(namespace)
    with one.lock(holder("first")):
        lease = namespace.get(Key("coordination.k8s.io/v1", "Lease", namespace.namespace, LOCK))
    assert lease is not None
    # What a process leaves behind that was killed: nobody renews it.
    del lease["metadata"]["resourceVersion"], lease["metadata"]["uid"]
    namespace.create(lease)
    until(lambda: other.holder() is None, what="it is seen to be dead", deadline_s=10)
    began = time.monotonic()
    with other.lock(holder("second")):
        assert time.monotonic() - began < 40
        assert one.holder() == holder("second")


def test_who_lost_the_lock_saves_nothing(namespace: Cluster) -> None:
    one = store(namespace)
    with one.lock(holder("first")):
        namespace.delete(Key("coordination.k8s.io/v1", "Lease", namespace.namespace, LOCK))
        until(lambda: is_refused(one), what="it notices", deadline_s=10)


def is_refused(one: ClusterStore) -> bool:
    try:
        one.save(TargetState())
    except RecordFailed as refused:
        return "lock" in refused.what
    return False


def test_a_wish_is_taken_once_and_by_whom_it_is_addressed_to(namespace: Cluster) -> None:
    one, other = store(namespace), store(namespace)
    with one.lock(holder("first")):
        assert one.take_wishes("first") == ()
        wishes = wish("first"), wish("first").model_copy(update={"by": "third"})
        for each in wishes:
            other.post_wish(each)
        assert one.take_wishes("first") == wishes
        assert one.take_wishes("first") == ()
        other.post_wish(wish("earlier"))
        assert one.take_wishes("first") == ()


def test_of_many_who_want_the_lock_at_once_one_has_it_at_a_time(namespace: Cluster) -> None:
    with store(namespace).lock(holder("makes the namespace")):
        pass
    inside, most = [0], [0]
    start = Event()

    def hold(number: int) -> bool:
        start.wait(10)
        try:
            with store(namespace).lock(holder(f"run-{number}")):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0.2)
                inside[0] -= 1
        except Locked:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        held = threads.map(hold, range(6))
        start.set()
        assert any(list(held))
    assert most == [1]
