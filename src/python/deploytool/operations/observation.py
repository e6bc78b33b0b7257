"""One step of a canary: read the router, weigh the evidence, until the verdict moves the canary."""

from dataclasses import dataclass

from pydantic import JsonValue

from deploytool.canary.difference import difference
from deploytool.canary.latency import BASELINE_REQUESTS
from deploytool.canary.machine import Canary, Event
from deploytool.canary.observation import ArmCounters, Observation, Reset, Snapshot
from deploytool.canary.policy import VerdictPolicy
from deploytool.canary.verdict import CanaryEvidence, Decision, Verdict
from deploytool.errors import NotReady
from deploytool.operations.business import with_business
from deploytool.operations.context import Context
from deploytool.operations.expectations import with_expectations
from deploytool.operations.patience import once_answered
from deploytool.operations.steering import heed
from deploytool.operations.view import CanaryView
from deploytool.operations.weight import (
    NotStarted,
    await_answer,
    ended_by_itself,
    has_ended,
    is_missed,
    look_at,
    set_weight,
    tell_lack,
)
from deploytool.platforms.base import Instance, Role
from deploytool.record import event as record
from deploytool.system.policy import WhenHeld


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a phase ended: the canary with what it learnt, and the event that moves it on."""

    canary: Canary
    event: Event
    reason: str


# Between two looks at how many requests stable has had; none in that time means none will come.
_LEARN_S = 3.0
# A poll that takes so many times its interval shows less than it should, and later.
_SLOW = 2.0

_MOVES = {
    Decision.ADVANCE: Event.ADVANCE,
    Decision.PROMOTE: Event.ADVANCE,
    Decision.ROLLBACK: Event.ABORT,
    Decision.HOLD: Event.HOLD,
}


def observe(context: Context, canary: Canary) -> Outcome:
    """Poll until the step is decided; nothing follows from a poll that is not on record.

    Raises Asked, as learn_stable does, when a person decides meanwhile.
    """
    policy = context.service(canary.component).canary
    assert canary.evidence is not None
    evidence = canary.evidence.at_step(canary.step)
    _tell_step(context, canary, evidence)
    began, observed_s = context.monotonic(), canary.observed_s
    before, _ = _read(context, canary)
    lack = ""
    while True:
        since = context.monotonic()
        context.sleep(policy.poll_s)
        looked = context.monotonic()
        try:
            instance, canary, void = _look(context, canary)
        except NotReady as error:
            is_bad = not isinstance(error, NotStarted)
            judged = canary.model_copy(update={"evidence": evidence, "is_judged_bad": is_bad})
            return Outcome(judged, Event.ABORT, f"{error.what}: {error.why}")
        lack = tell_lack(context, canary, instance, lack)
        if void:
            # Without weight nothing was observed: a canary does not sit its time out in silence.
            began += context.monotonic() - looked
            evidence = evidence.at_step(canary.step)
            _tell_step(context, canary, evidence)
        after, trouble = _read(context, canary)
        void = void or trouble
        poll = Reset(reason=void) if void else difference(before, after)
        before = after
        evidence = evidence.after(poll)
        remark = "" if void else _remark(context.monotonic() - since, policy.poll_s)
        elapsed_s = context.monotonic() - began
        verdict = evidence.judge(canary.step, elapsed_s)
        # The platform forgets those of a process that it has replaced.
        restarts = min(canary.restarts, instance.restarts)
        canary = canary.model_copy(
            update={
                "evidence": evidence,
                "restarts": restarts,
                "observed_s": observed_s + elapsed_s,
                "polled_at": context.now(),
            }
        )
        _keep(context, canary, poll, verdict, elapsed_s, remark)
        if verdict.decision is not Decision.CONTINUE:
            _tell_verdict(context, canary, verdict)
            return _outcome(canary, verdict, policy.when_held)
        heed(context, canary)


def tell_continued(context: Context, canary: Canary) -> None:
    """Record what is known where another process goes on: the polls may be on record elsewhere."""
    evidence = canary.evidence
    assert evidence is not None
    _tell(
        context,
        canary,
        "evidence-continued",
        reason=f"{evidence.polls} observations were made before",
        details={"evidence": evidence.model_dump(mode="json")},
    )


def _outcome(canary: Canary, verdict: Verdict, when_held: WhenHeld) -> Outcome:
    if verdict.decision is Decision.HOLD and when_held == "abort":
        undecided = canary.model_copy(update={"is_undecided": True})
        reason = f"not decided in time: {verdict.sentence}"
        return Outcome(undecided, Event.ABORT, reason)
    is_bad = verdict.decision is Decision.ROLLBACK
    judged = canary.model_copy(update={"is_judged_bad": is_bad})
    return Outcome(judged, _MOVES[verdict.decision], verdict.sentence)


def _read(context: Context, canary: Canary) -> tuple[Snapshot, str]:
    """Return the counters, and why they had to be waited for, "" when they had not."""
    platform, component = context.platform, canary.component

    def read() -> Snapshot:
        snapshot = with_business(context, component, platform.observe(component))
        return with_expectations(context, canary, snapshot)

    return once_answered(context, component, read, lambda: heed(context, canary))


def learn_stable(context: Context, canary: Canary) -> Canary:
    """Give the canary evidence that knows how stable did before it, as far as can be learnt.

    What the canary's start took is no part of it: its restarts until now are noted.

    Waits for enough of stable's requests while requests keep coming; without them there are fewer
    latency bounds to judge by, and the error rates alone decide.
    """
    if canary.evidence is not None or not canary.steps:
        return canary
    service = context.service(canary.component)
    policy = service.canary
    restarts = context.platform.instance(canary.component, Role.CANARY).restarts
    until = context.monotonic() + policy.step_deadline_s / 5
    snapshot = _read(context, canary)[0]
    known = snapshot.stable
    while known.timed < BASELINE_REQUESTS and context.monotonic() < until:
        why = f"{known.timed} of {BASELINE_REQUESTS} requests that show how fast stable is"
        context.say("waiting", f"{canary.component} stable", reason=why)
        context.sleep(_LEARN_S)
        heed(context, canary)
        latest = _read(context, canary)[0]
        # Counters that were not read anew since say nothing about who comes.
        if latest.taken_at == snapshot.taken_at:
            continue
        if latest.stable.timed == known.timed:
            break
        snapshot, known = latest, latest.stable
    judged = VerdictPolicy.of(
        policy,
        steps=len(canary.steps),
        has_visitors=context.has_visitors,
        answer_within_s=service.answer_within_s,
        are_answers_checked=known.expected is not None,
    )
    evidence = CanaryEvidence.new(judged, canary.steps, known)
    _tell_begin(context, canary, evidence, known)
    return canary.model_copy(update={"evidence": evidence, "restarts": restarts})


def _look(context: Context, canary: Canary) -> tuple[Instance, Canary, str]:
    """Return the canary's instance once it answers, and why this poll is void, "" when it is not.

    Between them, the canary with how long it was missed. Raises NotReady when it is not fit.
    """
    instance = look_at(context, canary)
    if has_ended(instance, canary.restarts):
        raise ended_by_itself(instance)
    if not is_missed(context, canary, instance):
        return instance, canary, ""
    canary = await_answer(context, canary, instance)
    set_weight(context, canary, canary.steps[canary.step])
    void = f"the canary had no weight meanwhile, as it did not answer: {instance.reason}"
    return instance, canary, void


def _remark(took_s: float, poll_s: float) -> str:
    """Return what is to be said of a poll that took so long, "" when that is as it should be."""
    if took_s <= _SLOW * poll_s:
        return ""
    return (
        f"this poll took {took_s:.3g} s instead of {poll_s:g} s: the machine or the router is slow"
    )


def _keep(
    context: Context,
    canary: Canary,
    poll: Observation | Reset,
    verdict: Verdict,
    elapsed_s: float,
    remark: str,
) -> None:
    """Record the poll, then save it: the state never knows what the record does not.

    Killed in between, the record has a poll that is void: `step-begun` says how many count.
    """
    assert canary.evidence is not None
    _tell(
        context,
        canary,
        "observation",
        result=verdict.decision,
        reason=verdict.with_remark(remark),
        details={
            "number": canary.evidence.polls,
            "remark": remark,
            "elapsed_at_step_s": elapsed_s,
            "poll": poll.model_dump(mode="json"),
            "verdict": verdict.model_dump(mode="json"),
        },
        view=CanaryView.of(canary, context.now(), verdict),
    )
    state = context.platform.store.load()
    context.platform.store.save(state.model_copy(update={"canary": canary}))


def _tell_begin(
    context: Context, canary: Canary, evidence: CanaryEvidence, baseline: ArmCounters
) -> None:
    """Record all that the evidence begins with, so that it can be computed again."""
    _tell(
        context,
        canary,
        "evidence-begun",
        reason=f"{baseline.answered} requests to stable show how it did before",
        details={
            "policy": evidence.policy.model_dump(mode="json"),
            "weights_percent": list(evidence.weights_percent),
            "baseline": baseline.model_dump(mode="json"),
        },
    )


def _tell_step(context: Context, canary: Canary, evidence: CanaryEvidence) -> None:
    _tell(
        context,
        canary,
        "step-begun",
        reason=f"{canary.steps[canary.step]} % of the requests",
        details={"step": canary.step, "polls": evidence.polls},
    )


def _tell_verdict(context: Context, canary: Canary, verdict: Verdict) -> None:
    _tell(
        context,
        canary,
        "verdict",
        result=verdict.decision,
        reason=verdict.sentence,
        details=verdict.model_dump(mode="json"),
    )


def _tell(
    context: Context,
    canary: Canary,
    event: str,
    *,
    reason: str,
    details: dict[str, JsonValue],
    result: str = "",
    view: CanaryView | None = None,
) -> None:
    """Record an event of the canary where it stands."""
    context.emit(
        record.Event(
            event,
            object=f"{canary.component} {canary.canary.id}",
            action=canary.position,
            result=result,
            reason=reason,
            details={"canary_run": canary.run, **details},
            view=view,
        )
    )
