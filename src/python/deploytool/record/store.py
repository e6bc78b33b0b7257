"""The target's durable state and lock, whatever they are kept in."""

import json
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deploytool.canary.machine import Canary
from deploytool.system.revision import Revision

_EVIDENCE = ("canary", "evidence")
# So many promoted releases are known.
_REMEMBERED = 20


class Holder(BaseModel):
    """Who holds a target's lock."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    user: str
    host: str
    pid: int
    command: str
    run: str
    # UTC, ISO 8601 to the second.
    since: str


class Wish(BaseModel):
    """What a person wants of the operation that holds a target's lock."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    wanted: Literal["abort", "promote"]
    # Holder.run of the operation it is addressed to: no other one may follow it.
    run: str
    # The run that wants it: of each one wish is kept.
    by: str
    user: str
    host: str
    # UTC, ISO 8601 to the second.
    since: str


class DeployedRelease(BaseModel):
    """A release on its way to a target, or one that has ended there.

    digest: SHA-256 of its file's content, in hex. revisions, images: of each component the
    revision that the release is here, and the digest of the image. since: UTC, ISO 8601, of its
    last step.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    digest: str
    commit: str
    revisions: dict[str, str]
    images: dict[str, str]
    since: str


class TargetState(BaseModel):
    """What a target must remember between operations."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    version: int = 1
    # Component -> the revision that is stable.
    stable: dict[str, Revision] = Field(default_factory=dict)
    # Component -> revisions that were stable before, newest first.
    earlier: dict[str, tuple[Revision, ...]] = Field(default_factory=dict)
    # Contract migration -> ids of the earlier revisions that may still use what it took away.
    cut_off: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    # Id of an earlier revision -> why nobody goes back to it unasked.
    doubted: dict[str, str] = Field(default_factory=dict)
    # The replacement under way or interrupted; None when the target is at rest.
    canary: Canary | None = None
    # The last replacement that came to its end, without its evidence: for those who waited for it.
    ended: Canary | None = None
    # The release that operations are about; None for what was built here.
    release: DeployedRelease | None = None
    # Releases of which every component became stable, latest first.
    promoted: tuple[DeployedRelease, ...] = ()

    def needed(self, component: str) -> set[str]:
        """Return the ids of the revisions that must stay installed, whatever came after them.

        What is stable, what a rollback may go back to, and both sides of a canary under way.
        """
        needed = {revision.id for revision in self.earlier.get(component, ())}
        if component in self.stable:
            needed.add(self.stable[component].id)
        if self.canary is not None and self.canary.component == component:
            needed |= {self.canary.stable.id, self.canary.canary.id}
        return needed

    def with_release(self, release: DeployedRelease | None) -> "TargetState":
        """Return the state in which a release is on its way: it has to prove itself again."""
        kept = [each for each in self.promoted if release is None or each.digest != release.digest]
        return self.model_copy(update={"release": release, "promoted": tuple(kept)})

    def with_promoted(self, now: str) -> "TargetState":
        """Return the state in which the release that was on its way is promoted. now: ISO 8601."""
        if self.release is None:
            return self
        arrived = self.release.model_copy(update={"since": now})
        others = [each for each in self.promoted if each.digest != arrived.digest]
        promoted = (arrived, *others)[:_REMEMBERED]
        return self.model_copy(update={"release": None, "promoted": promoted})

    def without_promoted(self, left: Revision) -> "TargetState":
        """Return the state in which nobody follows the releases that had brought a revision."""
        kept = [r for r in self.promoted if r.revisions.get(left.component) != left.id]
        return self.model_copy(update={"promoted": tuple(kept)})

    def with_cut_off(self, migrations: Iterable[str]) -> "TargetState":
        """Return the state in which these contract migrations cut off all earlier revisions."""
        earlier = {revision.id for revisions in self.earlier.values() for revision in revisions}
        # What is forgotten meanwhile cannot be gone back to anyway.
        kept = {
            name: tuple(each for each in ids if each in earlier)
            for name, ids in self.cut_off.items()
        }
        added = dict.fromkeys(migrations, tuple(sorted(earlier)))
        return self.model_copy(update={"cut_off": {**kept, **added}})

    def without_cut_off(self, migrations: Iterable[str]) -> "TargetState":
        """Return the state in which these contract migrations cut nothing off."""
        left_out = set(migrations)
        kept = {name: ids for name, ids in self.cut_off.items() if name not in left_out}
        return self.model_copy(update={"cut_off": kept})

    def migrations_past(self) -> dict[str, tuple[str, ...]]:
        """Return revision id -> the contract migrations that cut it off, in their order."""
        ids = {each for ids in self.cut_off.values() for each in ids}
        return {
            each: tuple(sorted(name for name, ids in self.cut_off.items() if each in ids))
            for each in ids
        }


def read_state(text: str | bytes) -> TargetState:
    """Return the state that was kept as JSON.

    Evidence that another version of this tool kept, and this one does not understand, is left out:
    what runs is known all the same, and a canary can be taken back. Raises ValidationError.
    """
    try:
        return TargetState.model_validate_json(text)
    except ValidationError as error:
        places = [each["loc"][: len(_EVIDENCE)] for each in error.errors()]
        if any(place != _EVIDENCE for place in places):
            raise
        content = json.loads(text)
        content["canary"]["evidence"] = None
        return TargetState.model_validate_json(json.dumps(content))


class TargetStore(Protocol):
    """Keeps the state so that it survives `kill -9` and a power cut at any moment."""

    def load(self) -> TargetState:
        """Return the state, an empty one at first. Raises RecordFailed when it is damaged.

        A canary's evidence that this version cannot read is left out.
        """

    def save(self, state: TargetState) -> None:
        """Replace the state; it is on disk when this returns. Raises RecordFailed."""

    def lock(self, holder: Holder) -> AbstractContextManager[None]:
        """Hold the target for one operation. Raises Locked, naming the holder, when it is held.

        A holder that died does not keep the lock.
        """

    def holder(self) -> Holder | None:
        """Return who holds the lock now."""

    def post_wish(self, wish: Wish) -> None:
        """Keep the wish beside those of others; durable on return. Raises RecordFailed."""

    def take_wishes(self, run: str) -> tuple[Wish, ...]:
        """Remove the wishes there are; return those addressed to the run. Raises RecordFailed.

        For the holder of the lock alone. A wish is taken once, whole, however close to it another
        is posted.
        """
