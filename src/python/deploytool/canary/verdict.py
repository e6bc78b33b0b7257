"""The verdict on a canary: what the evidence so far means, and the one object that holds it.

The canary operation keeps a `CanaryEvidence`, feeds it each poll, saves it, and asks it to judge.
The same polls give the same verdict, so that a run can be replayed from its record.
"""

import math
from enum import StrEnum
from typing import Self

from deploytool.canary import sentences
from deploytool.canary.blocks import Blocks
from deploytool.canary.bound import PromotionBound, tolerances
from deploytool.canary.comparison import better_metrics, silent_metrics
from deploytool.canary.evidence import ROUNDING, log_sum_exp
from deploytool.canary.figures import Arms, Figures, MetricFigures, ShareFigures
from deploytool.canary.latency import late_in_bound_s, late_s, settle_s
from deploytool.canary.metric import MetricEvidence, MetricKind, judged_metrics
from deploytool.canary.observation import NOTHING, ArmCounters, Frozen, Observation, Reset
from deploytool.canary.policy import VerdictPolicy
from deploytool.canary.share import ShareEvidence

POLLS_AFTER_MOVE = 2
"""The poll in which the weight moved, and one more for requests still in flight."""
ERRORS: str = MetricKind.ERRORS


class Decision(StrEnum):
    """What to do now."""

    CONTINUE = "continue"  # neither proved nor refuted: keep the weight and poll on
    ADVANCE = "advance"  # good enough for the next step
    PROMOTE = "promote"  # the last step is passed
    ROLLBACK = "rollback"  # worse than stable; final
    HOLD = "hold"  # time is over without enough evidence


class Verdict(Frozen):
    """A decision, the name of the metric it rests on, why in words, and the numbers."""

    decision: Decision
    metric: str
    sentence: str
    figures: Figures

    def with_remark(self, remark: str) -> str:
        """Return the sentence and what else is to be said of its poll, "" when there is nothing."""
        return f"{self.sentence}; {remark}" if remark else self.sentence


class CanaryEvidence(Frozen):
    """Everything known about a canary. Saved after every poll: nothing is lost by a restart.

    weights_percent: the canary's share, a number a step. polls: how many were taken in, the dropped
    ones included. late_s: a client that gives up later met a failure; None: not known, so that each
    counts in the evidence and none in the bound. at_step and in_total: judged blocks.
    """

    policy: VerdictPolicy
    weights_percent: tuple[int, ...]
    step: int
    polls: int = 0
    baseline_error_rate: float
    late_s: float | None
    blocks: Blocks
    share: ShareEvidence
    metrics: tuple[MetricEvidence, ...]
    promotion: PromotionBound
    at_this_step: Observation = NOTHING
    in_total: Observation = NOTHING

    @classmethod
    def new(
        cls, policy: VerdictPolicy, weights_percent: tuple[int, ...], baseline: ArmCounters
    ) -> Self:
        """Begin at the first step. baseline: stable's counts in a period before the canary.

        Raises ValueError for weights that leave an arm without requests.
        """
        if not weights_percent or not all(0 < weight < 100 for weight in weights_percent):
            raise ValueError(f"steps must be weights of 1-99 percent, not {weights_percent}")
        patience_s = late_s(baseline)
        in_bound_s = late_in_bound_s(patience_s)
        judged = baseline.judged(in_bound_s)
        rate = baseline.failed(in_bound_s) / judged if judged else 0.0
        return cls(
            policy=policy,
            weights_percent=weights_percent,
            step=0,
            baseline_error_rate=rate,
            late_s=patience_s,
            share=ShareEvidence(limit=1 / policy.alpha, settle_s=settle_s(baseline)),
            blocks=Blocks(
                least_requests=policy.least_block_requests, polls_to_drop=policy.warm_up_polls
            ),
            metrics=judged_metrics(policy, baseline, len(weights_percent)),
            promotion=_fresh_bound(policy, rate),
        )

    def at_step(self, step: int) -> Self:
        """Go to a step (0-based) whose weight was just set, or note that it was set again.

        The next polls are dropped. Evidence against the canary carries over, evidence for it
        begins afresh: old health must not promote what fails under the new load. Raises ValueError
        for an earlier or unknown step.
        """
        if not self.step <= step < len(self.weights_percent):
            raise ValueError(f"no step {step} after step {self.step} of {self.weights_percent}")
        evidence = self
        for next_step in range(self.step + 1, step + 1):
            evidence = evidence._begun(next_step)
        blocks = evidence.blocks.dropping(POLLS_AFTER_MOVE)
        share = evidence.share.begun_anew()
        return evidence.model_copy(update={"blocks": blocks, "share": share})

    def after(self, poll: Observation | Reset) -> Self:
        """Take in one poll; after a rollback verdict nothing changes any more."""
        if self.is_rejected:
            return self
        blocks, block = self.blocks.after(poll)
        taken = {"blocks": blocks, "polls": self.polls + 1}
        if block is None:
            return self.model_copy(update=taken)
        return self.model_copy(
            update={
                **taken,
                "share": self.share.after(block),
                "metrics": tuple(metric.after(block, self.late_s) for metric in self.metrics),
                "promotion": self.promotion.after(block.errors(late_in_bound_s(self.late_s))),
                "at_this_step": self.at_this_step.plus(block),
                "in_total": self.in_total.plus(block),
            }
        )

    @property
    def log_e(self) -> float:
        """The metrics' e-values averaged by their weights, in logs."""
        return log_sum_exp([self._weighted_log_e(metric) for metric in self.metrics])

    @property
    def is_rejected(self) -> bool:
        """Tell whether the evidence against the canary has reached 1 / alpha."""
        return self.log_e >= -math.log(self.policy.alpha) - ROUNDING

    @property
    def is_doubted(self) -> bool:
        """Tell whether so much speaks against the canary that no step is passed for now.

        A healthy one ever gets here with a chance of alpha_promotion, and then only waits longer.
        """
        return self.log_e >= -math.log(self.policy.alpha_promotion)

    @property
    def gate(self) -> float:
        """The bound that passes this step."""
        return self.policy.gates[min(self.steps_left, 2)]

    @property
    def steps_left(self) -> int:
        """How many steps come after this one."""
        return len(self.weights_percent) - 1 - self.step

    def judge(self, step: int, elapsed_at_step_s: float) -> Verdict:
        """Decide. elapsed_at_step_s: since the weight of this step was set.

        Raises ValueError if the evidence stands at another step.
        """
        if step != self.step:
            raise ValueError(f"the evidence is of step {self.step}, not of step {step}")
        figures = self.figures()
        if self.is_rejected:
            # first, on a tie too: a bad canary is worse than a wrong rollback
            decision, metric = Decision.ROLLBACK, figures.metrics[0].metric
            sentence = sentences.rollback(figures)
        elif doubt := self._doubt(figures, elapsed_at_step_s):
            is_over = elapsed_at_step_s >= self.policy.most_at_s(self.steps_left)
            is_lost = self.share.reached_s >= self.policy.answer_within_s
            decision = Decision.HOLD if is_over or is_lost else Decision.CONTINUE
            metric, sentence = doubt
        else:
            is_last = step == len(self.weights_percent) - 1
            decision, metric = Decision.PROMOTE if is_last else Decision.ADVANCE, ERRORS
            sentence = sentences.passed(figures, self.policy.alpha_promotion)
        return Verdict(decision=decision, metric=metric, sentence=sentence, figures=figures)

    def _doubt(self, figures: Figures, elapsed_at_step_s: float) -> tuple[str, str] | None:
        """Return the metric that keeps the step from being passed, and why; None: nothing does."""
        if self.share.is_reached:
            return "share", sentences.vanished(figures)
        if self.promotion.upper > self.gate:
            return ERRORS, sentences.missing(figures)
        if figures.silent:
            return next(iter(figures.silent)), sentences.silent(figures)
        if self.is_doubted:
            doubted = sentences.doubted(figures, self.policy.alpha_promotion)
            return figures.metrics[0].metric, doubted
        least_s = self.policy.least_at_s(self.steps_left)
        is_long_enough = (
            elapsed_at_step_s >= least_s
            and figures.at_step.canary.requests >= self.policy.least_step_requests
        )
        early = sentences.early(figures, self.policy, least_s)
        return None if is_long_enough else (ERRORS, early)

    def figures(self) -> Figures:
        """Lay out the numbers for people and for the record."""
        metrics = [
            MetricFigures.of(metric, math.exp(self._weighted_log_e(metric)))
            for metric in self.metrics
        ]
        return Figures(
            step=self.step,
            weights_percent=self.weights_percent,
            e_value=math.exp(self.log_e),
            e_limit=1 / self.policy.alpha,
            upper_bound=self.promotion.upper,
            gate=self.gate,
            canary_requests_needed=self._canary_requests_needed(),
            canary_per_s=self._canary_per_s(),
            late_s=self.late_s,
            left_out=self.promotion.left_out,
            share=ShareFigures.of(self.share),
            silent=silent_metrics(self.in_total, self.policy),
            better=better_metrics(self.in_total, self.metrics, self.late_s),
            metrics=tuple(sorted(metrics, key=_heaviest_first)),
            at_step=Arms.of(self.at_this_step, late_in_bound_s(self.late_s)),
            in_total=Arms.of(self.in_total, self.late_s),
            pending_requests=self.blocks.pending.requests,
            dropped_polls=self.blocks.dropped_polls,
            load_ratio=self.at_this_step.load_ratio,
        )

    def _begun(self, step: int) -> Self:
        share = 1 / (len(self.weights_percent) - step)  # of the cash, over the steps left
        return self.model_copy(
            update={
                "step": step,
                "metrics": tuple(metric.invested(share) for metric in self.metrics),
                "promotion": _fresh_bound(self.policy, self.baseline_error_rate),
                "at_this_step": NOTHING,
            }
        )

    def _weighted_log_e(self, metric: MetricEvidence) -> float:
        """Return log(weight * e): a process of this weight has the limit 1 / (alpha * weight)."""
        return metric.process.log_e - math.log(metric.process.limit) - math.log(self.policy.alpha)

    def _canary_requests_needed(self) -> int | None:
        weight = self.weights_percent[self.step]
        failures = self.at_this_step.errors(late_in_bound_s(self.late_s))
        counted = failures.minus(self.promotion.left_out)
        ratio = counted.n_s / counted.n_c if counted.n_c else (100 - weight) / weight
        needed = self.promotion.requests_needed(self.gate, counted, ratio)
        needed = max(needed + self.promotion.left_out.n_c, self.policy.least_step_requests)
        return math.ceil(needed) if math.isfinite(needed) else None

    def _canary_per_s(self) -> float | None:
        seconds = self.at_this_step.seconds + self.blocks.pending.seconds
        ended = self.at_this_step.canary.ended + self.blocks.pending.canary.ended
        return ended / seconds if seconds else None


def _fresh_bound(policy: VerdictPolicy, rate: float) -> PromotionBound:
    return PromotionBound.start(
        tolerances=tolerances(policy.gates),
        rate=rate,
        alpha=policy.alpha_promotion,
        clusters=policy.clusters,
    )


def _heaviest_first(metric: MetricFigures) -> tuple[float, float]:
    """Order by evidence; metrics that reached their limit together, by the difference to see."""
    stable = metric.stable_hits / max(1, metric.stable_requests)
    canary = metric.canary_hits / max(1, metric.canary_requests)
    log_e = math.log(metric.e_value) if metric.e_value > 0 else -math.inf
    return -round(log_e, 6), stable - canary
