"""Writes the record of a canary as the operations write it, over simulated traffic."""

import random
from dataclasses import dataclass, field
from pathlib import Path

from deploytool.canary.machine import Canary, Event, Phase, advance
from deploytool.canary.observation import ArmCounters, Observation, Pair, Reset
from deploytool.canary.policy import VerdictPolicy
from deploytool.canary.verdict import CanaryEvidence, Decision, Verdict
from deploytool.record import event as record
from deploytool.record.journal import Journal
from deploytool.record.origin import Origin
from deploytool.system.revision import Revision

RUN = "20261124T075500-3f2a"
METRIC = "reservations confirmed per reservation made"
BEGAN = 1_795_506_900.0
POLICY = VerdictPolicy(
    alpha=0.01,
    alpha_promotion=0.05,
    tolerance=0.01,
    latency_ratio=1.25,
    latency_floor_s=0.0,
    client_errors="judge",
    business=(METRIC,),
    cluster_size=1,
    least_step_s=5,
    least_step_requests=0,
    step_deadline_s=60,
    when_held="wait",
    warm_up_polls=2,
)
_BOUNDS_S = [*(round(0.005 * 2 ** (i / 2), 6) for i in range(23)), float("inf")]
_MOVES = {
    Decision.ADVANCE: Event.ADVANCE,
    Decision.PROMOTE: Event.ADVANCE,
    Decision.ROLLBACK: Event.ABORT,
    Decision.HOLD: Event.HOLD,
}


def _revision(name: str) -> Revision:
    return Revision(component="inventory", id=name, artifact=64 * "0", environment={})


@dataclass
class Simulation:
    """A canary of `inventory` that writes to a log.

    error_rates: stable's and the canary's; sick_from: the poll from which one in 22 canary requests
    fails. slowdown: of the canary. is_taken_back: when a step is not decided in time.
    """

    log: Path
    error_rates: tuple[float, float] = (0.004, 0.004)
    sick_from: int = 100_000
    slowdown: float = 1.0
    requests_per_s: float = 80.0
    is_taken_back: bool = False
    now: float = BEGAN
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    def __post_init__(self) -> None:
        self.canary = Canary(
            run=RUN,
            component="inventory",
            stable=_revision("3f2a9c1b77e0"),
            canary=_revision("77c0ffee12ab"),
            steps=(10, 25, 50),
            since=self.now,
        )
        self.evidence: CanaryEvidence | None = None
        self.begin_command(RUN, "canary")

    def begin_command(self, run: str, command: str, user: str = "ada") -> None:
        origin = Origin(run, user, "desk", "0.1.0", "", "local", command)
        self.journal = Journal(self.log, origin, clock=lambda: self.now)
        self.tell("command-started", action=command)

    def tell(self, kind: str, subject: str = "", **fields: object) -> None:
        self.journal.record(record.Event(kind, object=subject, **fields))  # type: ignore[arg-type]

    def start(self) -> None:
        """Start the canary and learn how stable does."""
        self.tell(
            "canary-started",
            "inventory 77c0ffee12ab",
            reason="against stable 3f2a9c1b77e0",
            details={
                "canary_run": RUN,
                "component": "inventory",
                "stable": "3f2a9c1b77e0",
                "canary": "77c0ffee12ab",
                "steps": [10, 25, 50],
                "is_held_at_end": False,
                "differs": ["build", "STOCK_CACHE_S=30"],
            },
        )
        self.tell("load-started", reason=f"{self.requests_per_s:.0f} requests a second")
        self.now += 0.4
        self.tell(
            "started", "inventory canary 77c0ffee12ab", action="start", result="ok", duration_s=0.31
        )
        self.tell("waiting", "inventory canary", reason="GET /readyz answers 503: no database")
        self.now += 6.2
        self.tell("ready", "inventory canary", reason="after 6.2 s")
        baseline = self._arm(1200, 0)
        self.evidence = CanaryEvidence.new(POLICY, self.canary.steps, baseline)
        self.tell(
            "evidence-begun",
            "inventory 77c0ffee12ab",
            reason="1200 requests to stable show how it did before",
            details={
                "canary_run": RUN,
                "policy": POLICY.model_dump(mode="json"),
                "weights_percent": [10, 25, 50],
                "baseline": baseline.model_dump(mode="json"),
            },
        )
        self.move(Event.DONE, "the canary is ready and answers its smoke requests")

    def observe(self, polls: int = 100_000) -> None:
        """Observe step after step until a verdict ends that, or for so many polls."""
        self._begin_step()
        for _ in range(polls):
            verdict = self._poll()
            if verdict.decision is Decision.CONTINUE:
                continue
            self.tell(
                "verdict",
                "inventory 77c0ffee12ab",
                action=self._step(),
                result=verdict.decision,
                reason=verdict.sentence,
                details={"canary_run": RUN, **verdict.model_dump(mode="json")},
            )
            if self.is_taken_back and verdict.decision is Decision.HOLD:
                self.move(Event.ABORT, f"not decided in time: {verdict.sentence}")
            else:
                self.move(_MOVES[verdict.decision], verdict.sentence)
            if self.canary.phase is not Phase.OBSERVING:
                return
            self._begin_step()

    def finish(self) -> None:
        """Go on to the end: promoted or rolled back."""
        seconds = {Phase.PROMOTING: 2.4, Phase.REPLACING: 5.1, Phase.ABORTING: 3.2}
        while self.canary.phase not in {Phase.PROMOTED, Phase.ROLLED_BACK}:
            self.now += seconds.get(self.canary.phase, 0.6)
            self.move(Event.DONE, f"{self.canary.phase} is done")
        self.end_command("ok" if self.canary.phase is Phase.PROMOTED else "rolled-back")

    def end_command(self, result: str) -> None:
        command = self.journal.origin.command
        self.tell("command-ended", action=command, result=result, duration_s=self.now - BEGAN)

    def move(self, event: Event, reason: str) -> None:
        before = self._position()
        self.canary = advance(self.canary, event, reason, self.now)
        self.tell(
            "transition",
            "inventory 77c0ffee12ab",
            action=f"{before} -> {self._position()}",
            result=self.canary.phase,
            reason=reason,
            details={"canary_run": RUN, "weight": self.canary.weight},
        )

    def _begin_step(self) -> None:
        assert self.evidence is not None
        self.now += 0.7
        self.tell(
            "weight-set",
            f"inventory {self.canary.weight} %",
            action="set-weight",
            result="ok",
            duration_s=0.7,
        )
        self.evidence = self.evidence.at_step(self.canary.step)
        self.tell(
            "step-begun",
            "inventory 77c0ffee12ab",
            action=self._step(),
            reason=f"{self.canary.weight} % of the requests",
            details={
                "canary_run": RUN,
                "step": self.canary.step,
                "polls": self.evidence.polls,
            },
        )

    def _poll(self) -> Verdict:
        assert self.evidence is not None
        if self.evidence.polls == self.sick_from:
            self.error_rates = (self.error_rates[0], 0.045)
        seconds = self.chance.uniform(1.1, 1.3)
        self.now += seconds
        requests = round(seconds * self.requests_per_s * self.chance.uniform(0.85, 1.15))
        canary = sum(self.chance.random() < self.canary.weight / 100 for _ in range(requests))
        poll: Observation | Reset = Observation(
            seconds=seconds, stable=self._arm(requests - canary, 0), canary=self._arm(canary, 1)
        )
        if self.evidence.polls == 9:
            poll = Reset(reason="a counter of the stable arm fell: the router restarted")
        self.evidence = self.evidence.after(poll)
        elapsed_s = self.now - self.canary.since
        verdict = self.evidence.judge(self.canary.step, elapsed_s)
        self.tell(
            "observation",
            "inventory 77c0ffee12ab",
            action=self._step(),
            result=verdict.decision,
            reason=verdict.sentence,
            details={
                "canary_run": RUN,
                "number": self.evidence.polls,
                "elapsed_at_step_s": elapsed_s,
                "poll": poll.model_dump(mode="json"),
                "verdict": verdict.model_dump(mode="json"),
            },
        )
        return verdict

    def _arm(self, requests: int, arm: int) -> ArmCounters:
        failed = sum(self.chance.random() < self.error_rates[arm] for _ in range(requests))
        median_s = 0.011 * (self.slowdown if arm else 1.0)
        seconds = [median_s * self.chance.lognormvariate(0, 0.8) for _ in range(requests)]
        return ArmCounters(
            requests={200: requests - failed, 500: failed},
            buckets=tuple((bound, sum(s <= bound for s in seconds)) for bound in _BOUNDS_S),
            business={METRIC: Pair(count=requests // 5, per=requests // 40)},
        )

    def _position(self) -> str:
        return self._step() if self.canary.phase is Phase.OBSERVING else self.canary.phase

    def _step(self) -> str:
        return f"step {self.canary.step + 1}/{len(self.canary.steps)}"


def promoted(log: Path) -> Simulation:
    simulation = Simulation(log)
    simulation.start()
    simulation.observe()
    simulation.finish()
    return simulation


def rolled_back_for_errors(log: Path) -> Simulation:
    """It begins to fail under the load of the second step."""
    simulation = Simulation(log, sick_from=15)
    simulation.start()
    simulation.observe()
    simulation.finish()
    return simulation


def rolled_back_for_latency(log: Path) -> Simulation:
    simulation = Simulation(log, slowdown=1.35)
    simulation.start()
    simulation.observe()
    simulation.finish()
    return simulation


def held(log: Path) -> Simulation:
    """Hardly any traffic."""
    simulation = Simulation(log, requests_per_s=5.0, error_rates=(0.0, 0.0))
    simulation.start()
    simulation.observe()
    simulation.end_command("held")
    return simulation


def resumed(log: Path) -> Simulation:
    """Killed between the record and the state of a poll; a day later it goes on elsewhere."""
    simulation = Simulation(log)
    simulation.start()
    simulation.observe(polls=24)
    saved = simulation.evidence
    simulation._poll()
    simulation.evidence = saved
    simulation.now += 26 * 3600
    simulation.begin_command("20261125T095700-77aa", "resume")
    simulation.canary = simulation.canary.model_copy(update={"since": simulation.now})
    simulation.observe()
    simulation.finish()
    return simulation


def running(log: Path) -> Simulation:
    simulation = Simulation(log)
    simulation.start()
    simulation.observe(polls=22)
    return simulation
