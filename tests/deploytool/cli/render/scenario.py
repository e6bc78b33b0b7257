"""A canary in events, as the operations tell it, with made-up numbers."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from deploytool.canary.evidence import RollbackProcess
from deploytool.canary.figures import ArmFigures, Arms, Figures, MetricFigures
from deploytool.canary.machine import Phase
from deploytool.canary.metric import MetricEvidence, MetricKind
from deploytool.canary.observation import Table
from deploytool.canary.verdict import Decision, Verdict
from deploytool.cli.render.progress import Progress
from deploytool.operations.view import CanaryView
from deploytool.record.event import Event
from deploytool.traffic.load.counts import Failure, LoadCounts

BEGAN = datetime(2026, 11, 24, 7, 55, 0, tzinfo=UTC)
STABLE, CANARY = "3f2a9c1b", "77c0ffee"

STARTING = CanaryView(
    run="20261124T075500-3f2a",
    component="inventory",
    stable=STABLE,
    canary=CANARY,
    phase=Phase.STARTING,
    steps=(10, 25, 50),
    step=0,
    weight=0,
    reason="requested",
    since=BEGAN.timestamp(),
    elapsed_s=0.0,
)


def arm(requests: int, errors: int, p50_ms: float) -> ArmFigures:
    return ArmFigures(
        requests=requests,
        errors=errors,
        errors_by_code={500: errors} if errors else {},
        errors_by_kind={"server error": errors} if errors else {},
        error_rate=errors / requests if requests else None,
        p50_s=p50_ms / 1000,
        p90_s=2.5 * p50_ms / 1000,
        p99_s=7 * p50_ms / 1000,
    )


def metric(
    kind: MetricKind, e_value: float, counted: Table, bound_s: float | None = None
) -> MetricFigures:
    evidence = MetricEvidence(
        kind=kind,
        name=kind,
        bound_s=bound_s,
        stable_bound_s=bound_s,
        process=RollbackProcess.start(multiples=(2,), prior=(1,), limit=100),
        counted=counted,
    )
    return MetricFigures.of(evidence, e_value)


def figures(step: int, *, e_value: float, upper: float, canary_errors: int = 0) -> Figures:
    return Figures(
        step=step,
        weights_percent=(10, 25, 50),
        e_value=e_value,
        e_limit=100.0,
        upper_bound=upper,
        gate=(0.05, 0.02, 0.01)[step],
        canary_requests_needed=310,
        metrics=(
            metric(MetricKind.ERRORS, 0.7 * e_value, Table(533, canary_errors, 2411, 3)),
            metric(MetricKind.LATENCY, 0.3 * e_value, Table(533, 40, 2411, 180), bound_s=0.025),
        ),
        at_step=Arms(stable=arm(1204, 3, 11.2), canary=arm(401, canary_errors, 12.9)),
        in_total=Arms(stable=arm(2411, 3, 11.4), canary=arm(533, canary_errors, 13.1)),
        pending_requests=32,
        dropped_polls=5,
    )


@dataclass
class Canary:
    """The progress of a canary whose clock moves by hand."""

    progress: Progress = field(default_factory=lambda: Progress(command="canary", began=BEGAN))
    now: datetime = BEGAN
    view: CanaryView = STARTING
    told: list[Event] = field(default_factory=list)

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def tells(self, event: Event) -> None:
        self.told.append(event)
        self.progress = self.progress.after(event, self.now)

    def moves(self, phase: Phase, reason: str, *, step: int = 0) -> None:
        weight = self.view.steps[step] if phase is Phase.OBSERVING else 100
        self.view = replace(
            STARTING, phase=phase, step=step, weight=weight, reason=reason, limit_s=300.0
        )
        subject = f"{self.view.component} {CANARY}"
        self.tells(Event("transition", object=subject, result=phase, reason=reason, view=self.view))

    def is_observed(self, seen: Figures, decision: Decision, sentence: str, at_s: float) -> None:
        verdict = Verdict(decision=decision, metric="errors", sentence=sentence, figures=seen)
        view = replace(self.view, elapsed_s=at_s, verdict=verdict)
        self.tells(Event("observation", result=decision, reason=sentence, view=view))

    def sends(self, requests: int, at_s: float, failures: int = 0) -> None:
        latest = Failure(
            at=(BEGAN + timedelta(seconds=83)).timestamp(),
            step="stock: GET /api/v2/v1/stock/${sku}",
            kind="500",
            revision=CANARY,
            detail="",
        )
        self.progress = self.progress.with_load(
            LoadCounts(
                requests=requests,
                failures=failures,
                elapsed_s=at_s,
                failures_by_kind={"500": failures} if failures else {},
                recent_failures=(latest,) if failures else (),
                p50_s=0.0124,
                p95_s=0.0411,
                p99_s=0.0893,
            )
        )


def starting() -> Canary:
    """The canary's process was started and is not ready yet."""
    canary = Canary()
    canary.tells(Event("command-started"))
    canary.passes(2)
    canary.tells(Event("canary-started", object=f"inventory {CANARY}", view=STARTING))
    canary.passes(1)
    canary.tells(
        Event("started", object=f"inventory canary {CANARY}", action="start", duration_s=0.4)
    )
    canary.tells(
        Event("waiting", object="inventory canary", reason="GET /readyz answers 503: no database")
    )
    canary.passes(4)
    return canary


def observing() -> Canary:
    """The second step, for a while; nothing is decided."""
    canary = starting()
    canary.tells(Event("ready", object="inventory canary", reason="after 4.0 s"))
    canary.moves(Phase.OBSERVING, "the canary is ready and answers its smoke requests")
    canary.tells(Event("load-started", reason="80 requests a second"))
    canary.tells(Event("weight-set", object="inventory 10 %", duration_s=0.2))
    canary.passes(30)
    canary.moves(Phase.OBSERVING, "errors: 0 of 132 canary requests failed", step=1)
    canary.tells(Event("weight-set", object="inventory 25 %", duration_s=0.2))
    canary.passes(24)
    canary.sends(4310, 54.0)
    canary.passes(1)
    canary.sends(4390, 55.0)
    canary.is_observed(
        figures(1, e_value=1.8, upper=0.034),
        Decision.CONTINUE,
        "0 failures in 401 canary requests bounds the difference below 3.4 %; "
        "2 % needs about 310 canary requests",
        at_s=25.0,
    )
    return canary


def taken_back() -> Canary:
    """Errors at the second step: the canary drains."""
    canary = observing()
    canary.passes(20)
    canary.sends(5900, 75.0, failures=31)
    sentence = (
        "errors: 31 of 533 (5.8 %) canary requests failed against 3 of 2,411 (0.12 %) stable "
        "requests, 31 with status 500; evidence 48213 reached its limit of 100"
    )
    seen = figures(1, e_value=48213.0, upper=0.11, canary_errors=31)
    canary.is_observed(seen, Decision.ROLLBACK, sentence, at_s=45.0)
    canary.tells(Event("verdict", object=f"inventory {CANARY}", result=Decision.ROLLBACK))
    canary.moves(Phase.ABORTING, sentence, step=1)
    canary.passes(2)
    return canary


def promoted() -> Canary:
    """Every step passed, and the command is over."""
    canary = observing()
    canary.passes(30)
    canary.moves(Phase.OBSERVING, "errors: 0 of 401 canary requests failed", step=2)
    canary.passes(30)
    sentence = "errors: 0 of 401 canary requests failed; 95 % sure that it is worse by under 1 %"
    seen = figures(2, e_value=0.004, upper=0.0098)
    canary.is_observed(seen, Decision.PROMOTE, sentence, at_s=30.0)
    canary.moves(Phase.PROMOTING, sentence, step=2)
    canary.passes(1)
    for phase in (Phase.REPLACING, Phase.RETURNING, Phase.CLEANING, Phase.PROMOTED):
        canary.moves(phase, f"all of it is {phase}", step=2)
        canary.passes(1)
    canary.tells(Event("command-ended", result="ok"))
    return canary
