"""What every platform can do. A new platform is one new folder that implements this protocol."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Protocol

from deploytool.canary.observation import Snapshot
from deploytool.record.store import TargetStore
from deploytool.system.revision import Revision
from deploytool.traffic.traefik_file import Arm

MigrationKind = Literal["expand", "contract"]


class Role(StrEnum):
    """Which of the two backends of a component an instance is."""

    STABLE = "stable"
    CANARY = "canary"

    @property
    def arm(self) -> Arm:
        """The router's name for the backend in this role."""
        return "stable" if self is Role.STABLE else "canary"


class Condition(StrEnum):
    """How far an instance is."""

    ABSENT = "absent"
    WAITING = "waiting"  # started, or being restarted; may become ready
    SERVING = "serving"  # answers; the platform waits a little before it calls it ready
    READY = "ready"
    FAILED = "failed"  # cannot become ready without help


@dataclass(frozen=True, slots=True)
class Instance:
    """What the platform sees of one component in one role at this moment.

    revision: the id that was started, "" for components that have none. condition and reason: a
    sentence with the object's own words when it is not ready. restarts: unplanned ones since it
    was started. since: unix seconds of the current process' start, None when there is none.
    address: where it answers, for people. is_partly_serving: of several processes one at least
    serves; the condition is that of the worst. is_unstarted: the platform has yet to start each of
    its processes, and none has ended by itself: it waits for a place, an image or its start.
    """

    component: str
    role: Role
    revision: str
    condition: Condition
    reason: str
    restarts: int = 0
    since: float | None = None
    address: str = ""
    is_partly_serving: bool = False
    is_unstarted: bool = False


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that a component wrote.

    revision, instance: which of its revisions, and which of its processes, by the platform's name;
    "" where the platform does not tell. is_note: the platform's own word, not the component's.
    """

    component: str
    role: Role
    text: str
    revision: str = ""
    instance: str = ""
    is_note: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer to one of the tool's own requests."""

    status: int
    body: bytes
    elapsed_s: float


class Outcome(StrEnum):
    """What came of trying a connection."""

    REACHED = "reached"
    REFUSED = "refused"
    FAILED = "failed"  # the try itself: nothing is known of the connection
    UNTRIED = "untried"


@dataclass(frozen=True, slots=True)
class Connection:
    """A TCP connection that was tried from inside a component to a port of another one.

    is_published: whether the port is one by which the target is meant to be reached; others, for
    its counters for example, are for nobody. words: of the program that tried, or why nothing was.
    """

    source: str
    source_role: Role
    target: str
    target_role: Role
    port: int
    is_published: bool
    outcome: Outcome
    words: str = ""


class Platform(Protocol):
    """A target that is open for work.

    Every method may be repeated: it brings about what it names and does nothing where that is so
    already. All raise PlatformFailed with the failing program's own words; those that wait take a
    deadline in seconds and raise NotReady, saying what they waited for.
    """

    @property
    def store(self) -> TargetStore:
        """The target's durable state and its lock."""

    def fetch(self, revisions: Sequence[Revision]) -> None:
        """Have at hand the images of the release and of these revisions; change nothing else.

        Where each machine of a target fetches them for itself, nothing is done.
        """

    def prepare(self) -> None:
        """Make what the platform itself needs (folders, tools, supervision); start nothing."""

    def fingerprint(self, component: str, artifact: Path) -> str:
        """Return the SHA-256, in hex, of all that makes up a revision beside its environment.

        The artifact, and what the platform itself adds to it. Raises InvalidInput, OSError.
        """

    def install(self, revision: Revision, artifact: Path) -> None:
        """Keep the revision's artifact and configuration at the target, for start and rollback.

        One of the same id that is installed already can be started all the same, with its image.
        """

    def revisions(self, component: str) -> Sequence[Revision]:
        """Return the installed revisions of a component, newest first."""

    def require_images(self) -> None:
        """Raise InvalidInput for an image of a release that cannot be had; change nothing."""

    def start_foundation(
        self, deadline_s: float, meanwhile: Callable[[], None] = lambda: None
    ) -> Sequence[str]:
        """Start database and gateway; return what of foundation_changes it did once both serve.

        The gateway's routes for every started instance are in place when it returns. meanwhile: is
        called as soon as instances can be started, on some platforms before both serve.
        """

    def foundation_changes(self) -> Mapping[str, str]:
        """Return what start_foundation would change -> why; empty when it would change nothing.

        The database and the gateway go by their component's name; what else a platform keeps for
        all revisions, by a name that its own tools know.
        """

    def drift(self) -> Mapping[str, str]:
        """Return what somebody else has changed since start_foundation -> how; as above."""

    def require_distinct_migrations(self) -> None:
        """Raise InvalidInput when two migrations of a kind have one version."""

    def migrate(
        self, kind: MigrationKind, deadline_s: float, tell: Callable[[str, str], None]
    ) -> Sequence[str]:
        """Apply the pending migrations of a kind in order; return their names.

        Expand and contract migrations are numbered apart: one kind does not wait for the other.
        tell: is given the name of a migration and what it waits for. Raises MigrationFailed with
        the database's own words; what was applied before stays. Nothing goes on in the database
        when it raises, or is interrupted.
        """

    def pending_migrations(self, kind: MigrationKind) -> Sequence[str]:
        """Return the names of migrations not yet applied, in order."""

    def start(self, revision: Revision, role: Role) -> None:
        """Run the revision in the role, in place of whatever runs there; do not wait."""

    def stop(self, component: str, role: Role) -> None:
        """Take the instance off the router, let it finish its requests and end it."""

    def instances(self) -> Sequence[Instance]:
        """Return every component and role that should run, database and gateway included."""

    def instance(self, component: str, role: Role) -> Instance:
        """Return one instance; ABSENT when it was never started or was stopped."""

    def request(self, component: str, role: Role, path: str) -> Answer:
        """GET a path from the instance itself, past the router (left out of observations)."""

    def request_each(self, component: str, role: Role, path: str) -> Sequence[Answer]:
        """GET a path from each process that serves for the instance, past the router."""

    def request_through_gateway(self, path: str) -> Answer:
        """GET a path at the gateway, as a visitor would."""

    def set_weight(self, component: str, canary_percent: int, deadline_s: float) -> str:
        """Send this share of the component's requests to its canary; return once in force.

        Returns what the canary lacks to serve it as stable would, and why; "" if it lacks nothing.
        Between 0 and 100 the declared header and cookie choose for the requests that bear them.
        Raises PlatformFailed when the router does not take it over: that is no fault of a canary.
        """

    def weight(self, component: str) -> int:
        """Return the share, in percent, that the router sends to the canary now."""

    def observe(self, component: str) -> Snapshot:
        """Read the router's counters of both backends of a component, in one snapshot.

        Requests that chose by the declared header are left out.
        """

    def gateway_url(self) -> str:
        """Return the base URL at which the system is reached, without a trailing slash."""

    def query(self, sql: str) -> Sequence[Mapping[str, Any]]:
        """Run a read-only query as the database's owner; return at most 100 rows."""

    def connections(self) -> Sequence[Connection]:
        """Try, from inside each component, every port of each other one that is ready.

        Empty where components are not kept apart: there nothing could be seen.
        """

    def logs(
        self,
        components: Sequence[str],
        *,
        lines: int | None,
        since_s: float | None = None,
        follow: bool,
        is_stopped: Callable[[], bool],
    ) -> Iterator[LogLine]:
        """Yield the last lines of each component, and what comes after when following.

        lines: at most so many to begin with, of each process. since_s: and none that was written
        earlier than so many seconds ago. None: without that limit.
        """

    def detach(self, tool: Path, arguments: Sequence[str]) -> str:
        """Have the packaged tool run with these arguments, supervised, from a copy at the target.

        It is started again when it is killed, not when it ends by itself; what has ended is gone
        with the next operation. In place of one that was detached before. Returns where it writes
        to. The caller must not hold the lock that the process needs.
        """

    def end_detached(self) -> None:
        """End what detach left behind, as an interruption would."""

    def down(self, *, remove_volumes: bool, deadline_s: float) -> None:
        """End everything that runs; with remove_volumes, delete the target's files as well."""


OpenPlatform = Callable[..., AbstractContextManager[Platform]]
