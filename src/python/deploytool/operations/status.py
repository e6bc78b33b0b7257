"""What the target runs at this moment, and what it is in the middle of; needs no lock."""

from dataclasses import dataclass

from deploytool.canary.figures import Figures
from deploytool.canary.machine import Canary, Phase
from deploytool.canary.sentences import unseen
from deploytool.canary.verdict import Decision
from deploytool.errors import InvalidInput
from deploytool.operations import migrations
from deploytool.operations.context import Context
from deploytool.operations.view import CanaryView
from deploytool.platforms.base import Condition, Instance
from deploytool.record.store import Holder, TargetState
from deploytool.system.revision import Revision


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a canary by its last poll.

    decision, sentence: what the figures mean; None and "" where no step is observed, or the figures
    are still of the step before. share_observed: part of the judged requests that the canary got
    at the figures' step, 0-1; None where there were none. poll_age_s: seconds since that poll, by
    this machine's clock; None before the first.
    """

    figures: Figures
    decision: Decision | None
    sentence: str
    share_observed: float | None
    poll_age_s: float | None


@dataclass(frozen=True, slots=True)
class Status:
    """Everything `status` shows.

    addresses: where each service is reached from outside, by component. holder: the operation that
    runs now. canary: in progress, held or interrupted; evidence: on it.
    weights: percent of the requests that go to the canary, by component. cut_off: the earlier
    revisions that cannot be gone back to, with the contract migrations that took away what they may
    use. doubted: those that nobody goes back to unasked, and why. drift: what somebody else has
    changed of what was deployed, and how. unseen: what the canary under way, or the last one, was
    too short to show.
    """

    target: str
    url: str
    addresses: dict[str, str]
    instances: tuple[Instance, ...]
    weights: dict[str, int]
    earlier: dict[str, tuple[Revision, ...]]
    cut_off: dict[str, tuple[str, ...]]
    doubted: dict[str, str]
    drift: dict[str, str]
    holder: Holder | None
    canary: CanaryView | None
    evidence: Evidence | None
    unseen: str = ""
    # The canary's evidence was kept by another version of the tool, and cannot be read.
    is_evidence_lost: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever started here."""
        return all(each.condition is Condition.ABSENT for each in self.instances)

    @property
    def is_canary_interrupted(self) -> bool:
        """Whether a canary waits for `resume`, `promote` or `abort`."""
        return self.canary is not None and self.holder is None


def status(context: Context) -> Status:
    """Read the state of the target."""
    state = context.platform.store.load()
    holder = context.platform.store.holder()
    canary = state.canary
    instances = tuple(context.platform.instances())
    url = context.platform.gateway_url()
    # Nothing is observed during an interruption, and the step has its whole time again afterwards.
    elapsed_s = context.now() - canary.since if canary and holder else 0.0
    return Status(
        target=context.target,
        url=url,
        addresses=context.addresses(url),
        instances=instances,
        weights={canary.component: context.platform.weight(canary.component)} if canary else {},
        earlier=state.earlier,
        cut_off=_cut_off(context, state, instances),
        doubted=state.doubted,
        drift=_drift(context),
        holder=holder,
        canary=CanaryView.of(canary, context.now()) if canary else None,
        evidence=weighed(canary, elapsed_s, context.now()) if canary else None,
        unseen=unseen_on(state),
        is_evidence_lost=canary is not None and canary.is_evidence_lost,
    )


def unseen_on(state: TargetState) -> str:
    """Return what is not known of the canary under way, or of the last one if it is stable."""
    last = state.canary or state.ended
    if last is None or not last.observed_s:
        return ""
    stable = state.stable.get(last.component)
    if state.canary is None and (stable is None or stable.id != last.canary.id):
        return ""
    return f"{last.component} {last.canary.id}: {unseen(last.observed_s)}"


def _drift(context: Context) -> dict[str, str]:
    """Return the drift; nothing while what is declared cannot be read, as `plan` will say."""
    try:
        return dict(context.platform.drift())
    except InvalidInput:
        return {}


def _cut_off(
    context: Context, state: TargetState, instances: tuple[Instance, ...]
) -> dict[str, tuple[str, ...]]:
    """Return what is cut off; what was meant to be, while the database cannot be asked."""
    database, _ = context.system.database
    is_answering = any(
        each.component == database and each.condition is Condition.READY for each in instances
    )
    return migrations.cut_off(context, state) if is_answering else state.migrations_past()


def weighed(canary: Canary, elapsed_at_step_s: float, now: float) -> Evidence | None:
    """Compute from what is saved what the evidence says; None before there is any.

    now: unix seconds.
    """
    evidence = canary.evidence
    if evidence is None:
        return None
    decision, sentence = None, ""
    if canary.phase is Phase.OBSERVING and canary.step == evidence.step:
        verdict = evidence.judge(canary.step, elapsed_at_step_s)
        decision, sentence = verdict.decision, verdict.sentence
    figures = evidence.figures()
    stable, at_canary = figures.at_step.stable.requests, figures.at_step.canary.requests
    share = at_canary / (stable + at_canary) if stable + at_canary else None
    age_s = None if canary.polled_at is None else max(0.0, now - canary.polled_at)
    return Evidence(figures, decision, sentence, share, age_s)
