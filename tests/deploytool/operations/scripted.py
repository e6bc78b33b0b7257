"""Real operations and a real record, on a target in memory whose visitors are made up."""

import json
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from deploytool.canary.machine import Canary, Event, Phase
from deploytool.canary.observation import ArmCounters, Snapshot
from deploytool.operations.context import Context
from deploytool.operations.replacement import carry_on, move
from deploytool.platforms.base import Answer, Condition, Instance, Platform, Role
from deploytool.record import event as record
from deploytool.record.journal import Journal
from deploytool.record.origin import Origin
from deploytool.record.store import TargetState, Wish, read_state
from deploytool.system.declaration import System
from deploytool.system.release import ReleaseFile, read_release
from deploytool.system.revision import revision_of

STABLE, CANARY = (revision_of("back", artifact, {}) for artifact in ("old", "new"))
BOUNDS = [*(0.005 * 2 ** (i / 2) for i in range(20)), math.inf]
REQUESTS_PER_S = 200
SILENCE = Instance("back", Role.CANARY, "", Condition.WAITING, "no answer from /readyz: timed out")


def release_of(
    folder: Path, names: Collection[str], content: str = "1", commit: str = ""
) -> ReleaseFile:
    """Return a release with an image for each name. content, commit: one hexadecimal digit."""
    image = {"tag": content, "platform": "linux/amd64"}
    release = {
        "format": 1,
        "system": "example",
        "repository": "https://example.org/shop",
        "commit": (commit or content) * 40,
        "images": {
            name: {**image, "image": f"host/{name}@sha256:{content * 64}"} for name in names
        },
    }
    path = folder / f"release-{content}.json"
    path.write_text(json.dumps(release))
    return read_release(path)


class Killed(BaseException):
    """The process ends here and now: nothing after it is done, and no end is recorded."""


@dataclass
class Visitors:
    """Whom the router counts. canary_failures: share of the canary's requests (0-1)."""

    canary_failures: float = 0.0
    canary_latency_s: float = 0.02
    weight: int = 0
    now: float = 1_795_000_000.0
    requests: dict[Role, float] = field(
        default_factory=lambda: {Role.STABLE: 2000.0, Role.CANARY: 0.0}
    )

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
        share = self.weight / 100
        self.requests[Role.CANARY] += REQUESTS_PER_S * seconds * share
        self.requests[Role.STABLE] += REQUESTS_PER_S * seconds * (1 - share)

    def restart_router(self) -> None:
        self.requests = dict.fromkeys(Role, 0.0)

    def counted(self, role: Role) -> ArmCounters:
        requests = int(self.requests[role])
        is_canary = role is Role.CANARY
        failed = int(requests * (self.canary_failures if is_canary else 0.001))
        latency_s = self.canary_latency_s if is_canary else 0.02
        buckets = tuple((bound, requests if bound >= latency_s else 0) for bound in BOUNDS)
        return ArmCounters(requests={200: requests - failed, 503: failed}, buckets=buckets)


class Store:
    """Keeps the state as the text that a file would hold, without waiting for a disk.

    wishes: what people want of the canary that is under way.
    """

    def __init__(self) -> None:
        self._text = TargetState().model_dump_json()
        self.on_saved: Callable[[], None] = lambda: None
        self.wishes: tuple[Wish, ...] = ()

    def load(self) -> TargetState:
        return read_state(self._text)

    def forget_share(self) -> None:
        """Keep the evidence as a version did that knew nothing of the share."""
        content = json.loads(self._text)
        del content["canary"]["evidence"]["share"]
        self._text = json.dumps(content)

    def save(self, state: TargetState) -> None:
        self._text = state.model_dump_json()
        self.on_saved()

    @contextmanager
    def lock(self, _holder: object) -> Iterator[None]:
        yield

    def take_wishes(self, _run: str) -> tuple[Wish, ...]:
        wishes, self.wishes = self.wishes, ()
        return wishes


@dataclass
class Target:
    """The part of a platform that a canary needs, without processes.

    restarts: how often the canary's process has ended by itself since it was started. is_silent:
    tells at a moment whether the instance in a role does not answer its readiness path. silences:
    how those are then that are not just SILENCE. lacking: what the canary lacks at each share.
    """

    store: Store
    visitors: Visitors
    running: dict[Role, str] = field(default_factory=lambda: {Role.STABLE: STABLE.id})
    restarts: int = 0
    is_silent: Callable[[Role, float], bool] = lambda _role, _now: False
    silences: dict[Role, Instance] = field(default_factory=dict)
    lacking: str = ""

    def start(self, revision: object, role: Role) -> None:
        self.running[role] = STABLE.id if revision == STABLE else CANARY.id

    def stop(self, _component: str, role: Role) -> None:
        self.running.pop(role, None)

    def instance(self, component: str, role: Role) -> Instance:
        restarts = self.restarts if role is Role.CANARY else 0
        revision = self.running.get(role, "")
        if not revision:
            return Instance(component, role, revision, Condition.ABSENT, "", restarts)
        if self.is_silent(role, self.visitors.now):
            silence = self.silences.get(role, SILENCE)
            return replace(silence, role=role, revision=revision, restarts=restarts)
        return Instance(component, role, revision, Condition.READY, "", restarts)

    def request(self, _component: str, role: Role, _path: str) -> Answer:
        return Answer(200, json.dumps({"revision": self.running[role]}).encode(), 0.001)

    def weight(self, _component: str) -> int:
        return self.visitors.weight

    def set_weight(self, _component: str, percent: int, _deadline_s: float) -> str:
        self.visitors.weight = percent
        return self.lacking

    def observe(self, _component: str) -> Snapshot:
        counted = self.visitors.counted
        return Snapshot(
            taken_at=self.visitors.now,
            stable=counted(Role.STABLE),
            canary=counted(Role.CANARY),
        )


class Story:
    """One canary and all who work on it, each in a run of its own, on one record."""

    def __init__(
        self,
        folder: Path,
        visitors: Visitors,
        *,
        steps: Sequence[int] = (20, 50),
        has_visitors: bool = False,
        least_step_s: float | None = 3,
    ) -> None:
        self.log = folder / "operations.log"
        self.visitors = visitors
        self.store = Store()
        self.target = Target(self.store, visitors)
        self._system = _system(least_step_s)
        self._has_visitors = has_visitors
        self._steps = tuple(steps)

    def begin(self, run: str, told: Callable[[record.Event], None] = lambda _: None) -> Canary:
        """Start the canary and carry it to its end. told: hears each event once it is recorded."""
        context = self._context(run, told)
        canary = self.canary(run)
        context.emit(record.Event("command-started"))
        context.emit(record.Event("canary-started", details={"canary_run": run}))
        return self._end(context, carry_on(context, canary))

    def go_on(
        self,
        run: str,
        told: Callable[[record.Event], None] = lambda _: None,
        decision: Event | None = None,
        log: Path | None = None,
    ) -> Canary:
        """Go on from the saved state, as another process does.

        decision: of a person. log: another machine's record.
        """
        context = self._context(run, told, log)
        context.emit(record.Event("command-started"))
        canary = self.store.load().canary
        assert canary is not None
        canary = canary.model_copy(update={"since": self.visitors.now})
        if canary.phase is Phase.HELD:
            decision = decision or Event.RESUME
        if decision is not None:
            canary = move(context, canary, decision, f"{decision} was asked for")
        return self._end(context, carry_on(context, canary))

    def context(self, run: str, told: Callable[[record.Event], None] = lambda _: None) -> Context:
        """Return what an operation on the target is given."""
        return self._context(run, told)

    def canary(self, run: str) -> Canary:
        """Return the canary before it begins."""
        return Canary(
            run=run,
            component="back",
            stable=STABLE,
            canary=CANARY,
            steps=self._steps,
            since=self.visitors.now,
        )

    def _end(self, context: Context, canary: Canary) -> Canary:
        context.emit(record.Event("command-ended"))
        return canary

    def _context(
        self, run: str, told: Callable[[record.Event], None], log: Path | None = None
    ) -> Context:
        origin = Origin(run, "ada", "desk", "1.0", "", "memory", "canary")
        return Context(
            system=self._system,
            platform=cast("Platform", self.target),
            target="memory",
            run=run,
            command="canary",
            artifacts={},
            has_visitors=self._has_visitors,
            emit=Journal(log or self.log, origin, [told], clock=lambda: self.visitors.now).record,
            now=lambda: self.visitors.now,
            monotonic=lambda: self.visitors.now,
            sleep=self.visitors.pass_by,
        )


def _system(least_step_s: float | None) -> System:
    policy = {
        "tolerance": 0.2,
        "poll_s": 1,
        "warm_up_s": 1,
        "least_step_s": least_step_s,
        "step_deadline_s": 12,
    }
    return System.model_validate(
        {
            "system": "example",
            "components": {
                "db": {"kind": "postgresql", "database": "d", "migrations": "m", "roles": ["r"]},
                "edge": {"kind": "gateway"},
                "back": {
                    "kind": "service",
                    "route": "/b",
                    "canary": policy,
                    "smoke": ["/b/items"],
                    "answer_within_s": 10,
                },
            },
        }
    )
