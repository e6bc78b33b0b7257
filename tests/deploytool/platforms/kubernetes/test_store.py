"""State, lock and wish as objects: what holds when a machine stood still, or an answer was lost."""

import json
import math

import pytest

from deploytool.canary.machine import Canary, Phase
from deploytool.errors import Locked, PlatformFailed, RecordFailed
from deploytool.platforms.kubernetes.objects import Key, Object
from deploytool.platforms.kubernetes.replies import Away
from deploytool.platforms.kubernetes.store import ClusterStore
from deploytool.record.store import Holder, TargetState, Wish
from deploytool.system.revision import Revision, revision_of
from tests.deploytool.platforms.kubernetes.memory import Memory

LOCK = Key("coordination.k8s.io/v1", "Lease", "shop", "deploytool-lock")
WISH = Wish(
    wanted="abort", run="first", by="second", user="ada", host="one", since="2026-11-26T00:00:00"
)
OTHERS = WISH.model_copy(update={"wanted": "promote", "by": "third"})
STATES = [TargetState(stable={"web": revision_of("web", each, {})}) for each in ("old", "new")]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Memory:
    # The thread that shows that the holder lives stands still, as the whole process did.
    monkeypatch.setattr("deploytool.platforms.kubernetes.store._RENEWED_S", 3600)
    return Memory()


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


CANARY = Canary(
    run="r1",
    component="web",
    stable=Revision(component="web", id="abc", artifact="ff", environment={}),
    canary=Revision(component="web", id="def", artifact="fe", environment={}),
    steps=(10,),
    phase=Phase.OBSERVING,
    since=0.0,
)


class Interrupted(Memory):
    """A server that is away for a minute at one look at the lock: nobody can renew it meanwhile.

    lives: whether its holder, seen long ago, goes on a second after the server is back.
    """

    def __init__(self, clock: Clock, away_at: int, *, lives: bool) -> None:
        super().__init__()
        self._clock = clock
        self._looks_left = away_at
        self._lives = lives
        self.back_s = math.inf
        self.create(lease("first", "2026-11-26T00:00:00Z"))

    def get(self, key: Key) -> Object | None:
        self._looks_left -= 1
        if self._looks_left == 0:
            self._clock.sleep(60)
            self.back_s = self._clock.now_s
        if self._lives and self._clock.now_s > self.back_s + 1:
            self.objects[key] = lease("first", "2026-11-26T00:02:00Z")
        return super().get(key)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("deploytool.platforms.kubernetes.store.time", found)
    return found


def store(cluster: Memory) -> ClusterStore:
    return ClusterStore(cluster, lambda: None)


def holder(run: str) -> Holder:
    return Holder(user="ada", host="one", pid=7, command="up", run=run, since="2026-11-26T00:00:00")


def lease(run: str, renewed: str) -> Object:
    return {
        "apiVersion": LOCK.version,
        "kind": LOCK.kind,
        "metadata": {
            "name": LOCK.name,
            "annotations": {"deploytool/holder": holder(run).model_dump_json()},
        },
        "spec": {"holderIdentity": run, "renewTime": renewed},
    }


def test_who_slept_while_another_took_the_lock_writes_and_takes_nothing(cluster: Memory) -> None:
    one, other = store(cluster), store(cluster)
    with one.lock(holder("first")):
        one.save(STATES[0])
        del cluster.objects[LOCK]
        with other.lock(holder("second")):
            other.save(STATES[1])
            other.post_wish(WISH)
            with pytest.raises(RecordFailed, match="lock"):
                one.save(one.load())
            with pytest.raises(RecordFailed, match="lock"):
                one.take_wishes("first")
            other.save(STATES[1])
    assert other.load() == STATES[1]


@pytest.mark.parametrize("loses_answers", [False, True])
def test_nobodys_wish_takes_the_place_of_anothers(cluster: Memory, loses_answers: bool) -> None:
    cluster.loses_answers = loses_answers
    for each in (WISH, OTHERS):
        store(cluster).post_wish(each)
    assert store(cluster).take_wishes("first") == (WISH, OTHERS)
    assert store(cluster).take_wishes("first") == ()


def test_of_two_who_post_a_wish_at_once_neither_loses_it(cluster: Memory) -> None:
    class Between(Memory):
        def replace(self, item: Object) -> Object | None:
            if not self.loses_answers:
                self.loses_answers = True
                store(self).post_wish(OTHERS)
                self.loses_answers = False
                type(self).replace = Memory.replace  # type: ignore[method-assign]
            return super().replace(item)

    between = Between()
    store(between).post_wish(WISH.model_copy(update={"by": "fourth"}))
    store(between).post_wish(WISH)
    assert {each.by for each in store(between).take_wishes("first")} == {
        "second",
        "third",
        "fourth",
    }


def test_wishes_to_an_operation_that_is_over_do_not_pile_up(cluster: Memory) -> None:
    store(cluster).post_wish(OTHERS.model_copy(update={"run": "dead"}))
    store(cluster).post_wish(WISH)
    assert store(cluster).take_wishes("dead") == ()


def test_a_wish_that_is_posted_while_another_is_taken_stays(cluster: Memory) -> None:
    class Late(Memory):
        def delete(self, key: Key, *, version_read: str = "") -> bool:
            if not self.loses_answers:
                self.loses_answers = True
                store(self).post_wish(OTHERS)
            return super().delete(key, version_read=version_read)

    late = Late()
    store(late).post_wish(WISH)
    assert store(late).take_wishes("first") == ()
    assert store(late).take_wishes("first") == (WISH, OTHERS)


def test_a_wish_that_is_taken_at_once_is_not_posted_again(cluster: Memory) -> None:
    class Quick(Memory):
        def create(self, item: Object) -> Object | None:
            made = super().create(item)
            taken.extend(store(self).take_wishes("first"))
            return made

    taken: list[Wish] = []
    quick = Quick()
    store(quick).post_wish(WISH)
    assert taken == [WISH]
    assert store(quick).take_wishes("first") == ()


def test_the_first_state_is_kept_though_its_answer_comes_late(cluster: Memory) -> None:
    cluster.loses_answers = True
    for state in STATES:
        store(cluster).save(state)
        assert store(cluster).load() == state


def test_a_state_that_another_version_kept_is_read_without_its_evidence(cluster: Memory) -> None:
    content = TargetState(canary=CANARY).model_dump(mode="json")
    content["canary"]["evidence"] = {"of": "another version"}
    kept = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "deploytool-state"}}
    cluster.create({**kept, "data": {"content": json.dumps(content)}})
    assert store(cluster).load() == TargetState(canary=CANARY)


@pytest.mark.parametrize(
    ("error", "is_hurried"),
    [
        (KeyboardInterrupt(), True),
        (Away("away", why="", hint=""), True),
        (PlatformFailed("no pod is ready", why="", hint=""), False),
    ],
)
def test_who_is_interrupted_or_waited_in_vain_waits_no_more_for_the_server(
    cluster: Memory, error: BaseException, is_hurried: bool
) -> None:
    with store(cluster).lock(holder("first")):
        pass
    assert not cluster.is_hurried
    with pytest.raises(type(error)), store(cluster).lock(holder("first")):
        raise error
    assert cluster.is_hurried == is_hurried
    assert LOCK not in cluster.objects


@pytest.mark.parametrize("away_at", [1, 2, 20])
def test_no_lock_is_taken_from_one_who_could_not_renew_it(clock: Clock, away_at: int) -> None:
    cluster = Interrupted(clock, away_at, lives=True)
    with pytest.raises(Locked, match="locked"), store(cluster).lock(holder("second")):
        pass
    assert cluster.objects[LOCK]["spec"]["holderIdentity"] == "first"


def test_a_dead_holder_loses_the_lock_once_it_could_have_renewed_it(clock: Clock) -> None:
    cluster = Interrupted(clock, 2, lives=False)
    with store(cluster).lock(holder("second")):
        assert 6 < clock.now_s - cluster.back_s < 7
        assert cluster.objects[LOCK]["spec"]["holderIdentity"] == "second"


@pytest.mark.parametrize(("lives", "expected"), [(True, holder("first")), (False, None)])
def test_who_could_not_renew_the_lock_holds_it_still_if_it_lives(
    clock: Clock, lives: bool, expected: Holder | None
) -> None:
    assert store(Interrupted(clock, 2, lives=lives)).holder() == expected


class Slow(Memory):
    """A server that takes longer for each look at the lock than its holder does to renew it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.create(lease("first", "2026-11-26T00:00:00Z"))

    def get(self, key: Key) -> Object | None:
        self._clock.sleep(2)
        return super().get(key)


def test_where_nobody_can_see_whether_the_holder_lives_the_wait_ends_and_it_holds_the_lock(
    clock: Clock,
) -> None:
    with pytest.raises(Locked, match="locked"), store(Slow(clock)).lock(holder("second")):
        pass
    assert 180 < clock.now_s < 200
    assert store(Slow(clock)).holder() == holder("first")
    assert clock.now_s < 400
