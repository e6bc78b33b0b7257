"""State, lock and wishes of a target as objects of its namespace: any machine can go on with it."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from pydantic import BaseModel, ValidationError

from deploytool.errors import DeployError, Locked, RecordFailed
from deploytool.platforms.kubernetes.api import Cluster
from deploytool.platforms.kubernetes.objects import Key, Object, annotations_of
from deploytool.platforms.kubernetes.replies import Away
from deploytool.record.store import Holder, TargetState, Wish, read_state

NAMES = ("deploytool-state", "deploytool-wish")
_STATE, _WISH = NAMES
LOCK = "deploytool-lock"
_HOLDER = "deploytool/holder"

# The holder shows that it lives so often; one that has not for the longer time is dead. Judged by
# what is seen to change, never by another machine's clock.
_RENEWED_S = 1.0
_SEEN_WITHIN_S = 2.5
_DEAD_AFTER_S = 6.0
_LOOK_S = 0.2
# Of a server that answers ever so slowly nobody learns whether the holder lives. Longer than one
# that is away for a while is waited for.
_KNOWN_WITHIN_S = 180.0
# So many who post a wish at once get in each other's way, before one gives up.
_TRIES = 10
# How long the end waits for a sign of life that is under way: it may be one that nobody answers.
_END_S = 2.0


class _Wishes(BaseModel):
    """All that are posted, in one object: it is read, extended and replaced as it was read."""

    wishes: tuple[Wish, ...] = ()


class ClusterStore:
    """See `TargetStore` for what each method promises.

    require_namespace: makes the namespace that all this lives in, where there is none.
    """

    def __init__(self, cluster: Cluster, require_namespace: Callable[[], None]) -> None:
        self._cluster = cluster
        self._require_namespace = require_namespace
        # The run that holds the lock by this object, and whether another one took it from it.
        self._run: str | None = None
        self._lost = threading.Event()

    def load(self) -> TargetState:
        """Return the state, an empty one at first. Raises RecordFailed when it is damaged."""
        found = self._cluster.get(self._key("ConfigMap", _STATE))
        if found is None:
            return TargetState()
        try:
            return read_state(_content(found))
        except ValidationError as error:
            raise RecordFailed(
                f"the state in ConfigMap/{_STATE} cannot be read",
                why=str(error).splitlines()[0],
                hint="put back a copy of it, or delete it and run `deploytool up`, which then "
                "deploys the current build as stable",
            ) from error

    def save(self, state: TargetState) -> None:
        """Replace the state; it is kept when this returns. Raises RecordFailed."""
        self._require_lock()
        self._keep(_STATE, state)

    @contextlib.contextmanager
    def lock(self, holder: Holder) -> Iterator[None]:
        """Hold the target. Raises Locked, naming the holder, when a living one holds it."""
        self._require_namespace()
        self._take(holder)
        self._run = holder.run
        self._lost.clear()
        done = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(holder.run, done), daemon=True)
        renewing.start()
        try:
            yield
        except (KeyboardInterrupt, Away):  # the server was waited for, and once is enough
            self._cluster.hurry()
            raise
        finally:
            done.set()
            renewing.join(_END_S)
            self._run = None
            with contextlib.suppress(DeployError):  # then it is seen to be dead soon
                self._release(holder.run)

    def holder(self) -> Holder | None:
        """Return who holds the lock now, as far as can be seen.

        Takes longer when the last sign of life is old.
        """
        until = time.monotonic() + _KNOWN_WITHIN_S
        watch = _Watch(self._lease)
        found = watch.look()
        if found is None or (age_s := _age_s(found)) is None:
            return None
        if 0 <= age_s < _SEEN_WITHIN_S:
            return _holder_of(found)
        # It is dead, or its clock is not ours: then it shows itself soon.
        first = watch.sign
        while watch.silent_s <= _SEEN_WITHIN_S:
            time.sleep(_LOOK_S)
            found = watch.look()
            if found is None:
                return None
            if watch.sign != first or time.monotonic() > until:
                return _holder_of(found)
        return None

    def post_wish(self, wish: Wish) -> None:
        """Keep the wish beside those of others. Raises RecordFailed."""
        for _ in range(_TRIES):
            found = self._cluster.get(self._key("ConfigMap", _WISH))
            posted = _wishes(found) if found else ()
            if wish in posted:  # by a request whose answer was lost
                return
            # No other operation is there to follow those that are addressed to another one.
            others = [each for each in posted if each.run == wish.run and each.by != wish.by]
            item = self._item(_WISH, _Wishes(wishes=(*others, wish)))
            if found is None:
                made = self._cluster.create(item)
            else:
                item["metadata"]["resourceVersion"] = _version(found)
                made = self._cluster.replace(item)
            # Not looked for again: it may have been taken since.
            if made is not None:
                return
        raise _written_by_another(_WISH)

    def take_wishes(self, run: str) -> tuple[Wish, ...]:
        """Remove the wishes there are; return those addressed to the run."""
        self._require_lock()
        key = self._key("ConfigMap", _WISH)
        found = self._cluster.get(key)
        if found is None:
            return ()
        # Deleted as it was read: one posted at this moment stays for the next look. If it is gone
        # all the same, a request did it that was repeated, as its answer was lost.
        is_deleted = self._cluster.delete(key, version_read=_version(found))
        if not is_deleted and self._cluster.get(key) is not None:
            return ()
        return tuple(wish for wish in _wishes(found) if wish.run == run)

    def _keep(self, name: str, content: BaseModel) -> None:
        item = self._item(name, content)
        # Made meanwhile, perhaps by a request of this one's whose answer was lost.
        if (
            self._cluster.replace(item) is None
            and self._cluster.create(item) is None
            and self._cluster.replace(item) is None
        ):
            raise _written_by_another(name)

    def _item(self, name: str, content: BaseModel) -> Object:
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": self._cluster.namespace},
            "data": {"content": content.model_dump_json()},
        }

    def _require_lock(self) -> None:
        """Raise RecordFailed when the lock that was taken is another one's by now.

        Asked anew: this process, or its machine, may have been stopped since the last renewal.
        """
        if self._run is None:
            return
        found = None if self._lost.is_set() else self._lease()
        if found is None or found["spec"].get("holderIdentity") != self._run:
            raise RecordFailed(
                "the lock of this target was lost",
                why="the API server did not take a sign of life for too long, and another "
                "operation may hold it by now",
                hint="`deploytool status` shows where it stands",
            )

    def _take(self, holder: Holder) -> None:
        until = time.monotonic() + _KNOWN_WITHIN_S
        watch = _Watch(self._lease)
        while True:
            seen = watch.sign
            found = watch.look()
            if found is None:
                if self._cluster.create(self._new_lease(holder)) is not None:
                    return
                continue
            is_free = not found["spec"].get("holderIdentity")
            if is_free or watch.silent_s > _DEAD_AFTER_S:
                version = {"resourceVersion": _version(found)}
                lease = self._new_lease(holder)
                lease["metadata"] |= version
                if self._cluster.replace(lease) is not None:
                    return
                continue
            if (seen and seen != watch.sign) or time.monotonic() > until:
                raise _locked(_holder_of(found))
            time.sleep(_LOOK_S)

    def _renew(self, run: str, done: threading.Event) -> None:
        """Show that this process lives, until it is done or another holds the lock."""
        while not done.wait(_RENEWED_S):
            try:
                found = self._lease()
                if found is None or found["spec"].get("holderIdentity") != run:
                    self._lost.set()
                    return
                found["spec"]["renewTime"] = _now()
                self._cluster.replace(found)
            except DeployError:
                # The server is away. If only this process does not reach it, another one may take
                # the lock meanwhile: the next renewal sees that, and so does whoever writes.
                continue

    def _release(self, run: str) -> None:
        found = self._lease()
        if found is not None and found["spec"].get("holderIdentity") == run:
            self._cluster.delete(self._lock_key(), version_read=_version(found))

    def _lease(self) -> Object | None:
        return self._cluster.get(self._lock_key())

    def _lock_key(self) -> Key:
        return Key("coordination.k8s.io/v1", "Lease", self._cluster.namespace, LOCK)

    def _key(self, kind: str, name: str) -> Key:
        return Key("v1", kind, self._cluster.namespace, name)

    def _new_lease(self, holder: Holder) -> Object:
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": LOCK,
                "namespace": self._cluster.namespace,
                "annotations": {_HOLDER: holder.model_dump_json()},
            },
            "spec": {
                "holderIdentity": holder.run,
                "leaseDurationSeconds": round(_DEAD_AFTER_S),
                "acquireTime": _now(),
                "renewTime": _now(),
            },
        }


class _Watch:
    """What one who waits sees of the lock. read: returns its Lease.

    sign: that of the last look, "" without a Lease. silent_s: how long it has been the same.
    """

    def __init__(self, read: Callable[[], Object | None]) -> None:
        self._read = read
        self.sign = ""
        self.silent_s = 0.0
        self._since = 0.0

    def look(self) -> Object | None:
        """Return the Lease as it is now."""
        asked = time.monotonic()
        found = self._read()
        now = time.monotonic()
        sign = _sign(found) if found else ""
        # While the server does not answer, no holder can show that it lives: silence does not
        # count before it could.
        if sign != self.sign or now - asked > _RENEWED_S:
            self._since = now
        self.sign, self.silent_s = sign, now - self._since
        return found


def _wishes(item: Object) -> tuple[Wish, ...]:
    try:
        return _Wishes.model_validate_json(_content(item)).wishes
    except ValidationError:
        return ()  # posted by another version of this tool


def _written_by_another(name: str) -> RecordFailed:
    return RecordFailed(
        f"ConfigMap/{name} cannot be written",
        why="another operation writes it at the same time",
        hint="`deploytool status` shows what is under way",
    )


def _content(item: Object) -> str:
    return str((item.get("data") or {}).get("content", ""))


def _version(item: Object) -> str:
    return str(item["metadata"]["resourceVersion"])


def _sign(lease: Object) -> str:
    """Return what changes with every sign of life of a holder."""
    return f"{lease['spec'].get('holderIdentity')} {lease['spec'].get('renewTime')}"


def _age_s(lease: Object) -> float | None:
    """Return how old the last sign of life is by this machine's clock; None without a holder."""
    renewed = lease["spec"].get("renewTime")
    if not lease["spec"].get("holderIdentity") or not renewed:
        return None
    return (datetime.now(UTC) - datetime.fromisoformat(renewed)).total_seconds()


def _holder_of(lease: Object) -> Holder | None:
    try:
        return Holder.model_validate_json(annotations_of(lease).get(_HOLDER, ""))
    except ValidationError:
        return None


def _locked(holder: Holder | None) -> Locked:
    who = (
        f"`{holder.command}` (run {holder.run}) by {holder.user}@{holder.host}, "
        f"pid {holder.pid}, since {holder.since}"
        if holder
        else "another operation has taken it"
    )
    return Locked("the target is locked", why=who, hint="wait for it to end, then try again")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
